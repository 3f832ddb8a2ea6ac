import Glibc

// unsafe: starts programs through C.

/// A program of the system that judges what Telemetry wrote.
enum Tool {
    struct Missing: Error, CustomStringConvertible {
        let name: String
        let package: String
        var description: String { "there is no \(name) on PATH: install Debian's package \(package)" }
    }

    struct Outcome {
        var status: Int32
        var output: String
    }

    /// Runs `name` with `input` as its standard input.
    /// - Parameter package: the Debian package that brings it.
    static func run(_ name: String, _ arguments: [String], package: String, input: [UInt8]) throws -> Outcome {
        // Files, not pipes: neither side has to wait for the other.
        guard let inputFile = unsafe tmpfile(), let outputFile = unsafe tmpfile() else {
            throw Missing(name: "a temporary directory", package: "base-files")
        }
        defer {
            unsafe fclose(inputFile)
            unsafe fclose(outputFile)
        }
        _ = unsafe input.withUnsafeBytes { unsafe fwrite($0.baseAddress, 1, $0.count, inputFile) }
        unsafe rewind(inputFile)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, fileno(inputFile), 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, fileno(outputFile), 1)
        unsafe posix_spawn_file_actions_adddup2(&actions, fileno(outputFile), 2)
        var words = unsafe ([name] + arguments).map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        var child = pid_t()
        guard unsafe posix_spawnp(&child, name, &actions, nil, &words, environ) == 0 else {
            throw Missing(name: name, package: package)
        }
        var status: Int32 = 0
        while unsafe waitpid(child, &status, 0) < 0 && errno == EINTR {}
        unsafe fseek(outputFile, 0, SEEK_END)
        let size = unsafe ftell(outputFile)
        unsafe rewind(outputFile)
        let output = unsafe [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = unsafe fread(buffer.baseAddress, 1, size, outputFile)
        }
        return Outcome(
            status: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F),
            output: String(decoding: output, as: UTF8.self))
    }

    /// Each line as Python's JSON parser reads it: an object with the value of each field as `repr`, in ASCII. A line
    /// that is no object, or has a key twice, is an error.
    static func fieldsOfJSONLines(_ lines: [UInt8]) throws -> [String] {
        let script = """
            import json, sys
            def once(pairs):
                assert len(dict(pairs)) == len(pairs), 'a key twice'
                return dict(pairs)
            for line in sys.stdin.buffer.read().decode('utf-8').split('\\n')[:-1]:
                fields = json.loads(line, object_pairs_hook=once)
                assert isinstance(fields, dict)
                print('|'.join(f'{ascii(k)}={ascii(v)}' for k, v in fields.items()))
            """
        let outcome = try run("python3", ["-c", script], package: "python3", input: lines)
        guard outcome.status == 0 else { throw Refused(output: outcome.output) }
        return outcome.output.split(separator: "\n").map(String.init)
    }

    struct Refused: Error, CustomStringConvertible {
        let output: String
        var description: String { output }
    }
}

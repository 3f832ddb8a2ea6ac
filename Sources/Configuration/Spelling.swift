/// Finds what a misspelt name was meant to be.
public enum Spelling {
    /// The candidate that differs least from `name`, where it is near: two changes, or one in four letters of it.
    public static func nearest(to name: String, among candidates: [String]) -> String? {
        let written = Array(name.utf8.prefix(longest))
        var best: String?
        var least = max(2, written.count / 4) + 1
        for candidate in candidates {
            let distance = distance(written, Array(candidate.utf8))
            if distance < least { (least, best) = (distance, candidate) }
        }
        return best
    }

    private static let longest = 64

    /// How many bytes are to be changed, added, dropped or swapped with their neighbour (optimal string alignment).
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var rows = [Array(0...b.count)]
        for (i, letter) in a.enumerated() {
            var row = [i + 1]
            for j in 0..<b.count {
                var value = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (letter == b[j] ? 0 : 1))
                if i > 0, j > 0, letter == b[j - 1], a[i - 1] == b[j] { value = min(value, rows[i - 1][j - 1] + 1) }
                row.append(value)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}

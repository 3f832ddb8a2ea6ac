import CSystemd

/// The service manager that started us, where there is one (sd_notify(3)).
enum ServiceManager {
    // unsafe: passes a C string for the length of the call.
    static func notify(_ state: String) {
        _ = unsafe state.withCString { text in unsafe postern_notify_service_manager(text) }
    }
}

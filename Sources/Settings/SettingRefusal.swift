/// Something that older gateways took and this one does not have yet. It is refused, never ignored: who asks for Tor
/// and silently gets clear text has been lied to.
enum SettingRefusal {
    static let environment: [(name: String, sentence: String)] = [
        (
            "RO_HS_KEY_FILE",
            "a Tor hidden service (--tor) does not exist yet, so its key is not used; unset RO_HS_KEY_FILE"
        )
    ]

    static let tor = "a Tor hidden service does not exist yet; start without --tor"
    static let legacyPay = "the legacy payment mode does not exist yet; start without --legacy-pay"
}

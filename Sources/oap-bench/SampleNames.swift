/// Names of `configs/sample-index.jsonl`, the index that `make run` imports: what is asked for when nobody says what, so
/// that a first run needs no file. Those of plain ASCII and everyday size; a test holds that they are just these.
enum SampleNames {
    static let all = [
        "name:hello", "name:site", "name:home", "name:docs", "name:docs/getting-started", "name:docs/operations",
        "name:api", "name:api.v2", "name:status", "name:blog", "name:blog/2026/06/launch", "name:cdn/logo.svg",
        "name:cdn/app.wasm", "name:mirror/debian/bookworm", "name:mirror/debian/trixie", "name:mirror/alpine/v3.20",
        "name:mirror/arch/core", "name:registry/crates/oap", "name:registry/crates/oap@0.1.0",
        "name:registry/crates/tokio", "name:registry/swift/swift-nio", "name:registry/npm/left-pad",
        "name:wiki/Main_Page", "name:wiki/Overlay_network", "name:maps/tiles/12/2138/1425",
        "name:maps/tiles/12/2138/1426", "name:weather/fra", "name:weather/nrt", "name:music/album-0001",
        "name:music/album-0002", "name:video/keynote-2026.mp4", "name:video/keynote-2026.vtt",
        "name:podcast/episode-17", "name:mail.example.org", "name:chat.example.org",
        "name:git.example.org/svc-gateway", "name:git.example.org/overlay", "name:dataset/iris.csv",
        "name:dataset/wikitext-103", "name:dataset/common-crawl/2026-05", "name:model/tiny-llm-q4",
        "name:firmware/router-x1/4.2.0", "name:firmware/router-x1/4.2.1", "name:backup/2026-06-01",
        "name:backup/2026-06-02", "name:backup/2026-06-03", "name:user/alice", "name:user/bob", "name:user/carol",
        "name:user/dave/public", "name:user/erin/photos", "name:tenant-170/index", "name:tenant-170/invoices",
        "name:shop/catalog", "name:shop/cart", "name:forum/thread/88211", "name:forum/thread/88212",
        "name:paper/10.1000.182", "name:paper/arxiv-2606.01234", "name:book/moby-dick", "name:book/frankenstein",
        "name:font/inter-4.0", "name:icon/lucide", "name:a", "name:Z", "name:0", "name:~", "name:Case", "name:case",
        "name:CASE", "name: leading space", "name:trailing space ", "name:two  spaces", "name:quote\"inside",
        "name:back\\slash", "name:slash/", "name:per%20cent", "name:query?a=1&b=2#frag", "name:name:name",
        "name:b3:short", "name:comma,separated", "name:{json}", "name:[list]", "name:it's", "name:<html>&amp;",
        "name:semi;colon", "name:pipe|tilde~", "name:null", "name:true", "name:123", "name:-0", "name:1e9",
        "name:../up", "name:..", "name:.", "name:STRASSE", "name:fine",
    ]
}

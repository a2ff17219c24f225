/// The frame of a report that is one file: it loads nothing, and says all it has to say without scripts.
enum HTMLPage {
    /// - Parameter body: markup.
    static func page(title: String, body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
        script-src 'unsafe-inline'; img-src data:">
        <meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
        <title>\(HTMLText.escaped(title))</title>
        <style>\(Self.style)</style></head>
        <body><main>\(body)</main><script>\(Self.script)</script></body></html>

        """
    }

    private static let style = """
        :root{color-scheme:light dark;--paper:#f6f7f9;--card:#fff;--ink:#1b1f24;--soft:#59616c;--line:#e1e5ea;
        --c1:#1d63d8;--c2:#c2570c;--c3:#7a3fc9;--c4:#0b7a6e;--c5:#6b7480;--good:#13763a;--bad:#c0262d;--warn:#8a5a00;
        --goodwash:#e3f4e8;--badwash:#fce8e8;--warnwash:#fbf0d9}
        @media(prefers-color-scheme:dark){:root{--paper:#101317;--card:#191d23;--ink:#e6e9ed;--soft:#9ba5b1;--line:#2b323b;
        --c1:#6ea6ff;--c2:#f0995a;--c3:#b794f4;--c4:#46c9b4;--c5:#8f99a6;--good:#5ccb86;--bad:#ff7b7b;--warn:#e6b450;
        --goodwash:#14301f;--badwash:#3a1a1c;--warnwash:#33280f}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--paper);color:var(--ink);
        font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
        main{max-width:1120px;margin:0 auto;padding:28px 20px 40px}
        h1{font-size:1.5rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
        h2{font-size:1.05rem;margin:0 0 10px}
        p{margin:4px 0}
        .soft{color:var(--soft)}
        header{margin-bottom:18px}
        .verdict{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 12px;margin:14px 0 0;padding:12px 16px;
        border-radius:10px;border-left:5px solid;overflow-wrap:anywhere}
        .verdict b{font-size:1.15rem}
        .verdict.good{background:var(--goodwash);border-color:var(--good)}.verdict.good b{color:var(--good)}
        .verdict.bad{background:var(--badwash);border-color:var(--bad)}.verdict.bad b{color:var(--bad)}
        .verdict.warn{background:var(--warnwash);border-color:var(--warn)}.verdict.warn b{color:var(--warn)}
        .notes{margin:8px 0 0;padding:0;list-style:none}.notes li{color:var(--warn);overflow-wrap:anywhere}
        .notes li::before{content:"! ";font-weight:700}
        .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(135px,1fr));gap:10px;margin:0 0 14px;padding:0;
        list-style:none}
        .tiles li,.card,.chart{background:var(--card);border:1px solid var(--line);border-radius:10px}
        .tiles li{padding:10px 14px}
        .tiles span{display:block;color:var(--soft);font-size:.84rem}
        .tiles b{display:block;font-size:1.35rem;line-height:1.3;font-weight:650;font-variant-numeric:tabular-nums}
        .tiles .bad b{color:var(--bad)}
        .grid{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:14px}
        .wide{grid-column:1/-1}
        .card{padding:14px 16px;min-width:0}
        .chart{display:flex;flex-direction:column;margin:0;padding:14px 20px 10px 14px;min-width:0}
        figcaption span{color:var(--soft);font-size:.87rem}
        .legend{display:flex;flex-wrap:wrap;gap:2px 16px;list-style:none;margin:4px 0 8px;padding:0;font-size:.87rem}
        .legend .bad{color:inherit}.legend i{display:inline-block;width:18px;border-top:3px solid;margin-right:6px;vertical-align:.22em}
        .legend .dash i{border-top-style:dashed;border-top-width:2px}
        .c1 i{border-color:var(--c1)}.c2 i{border-color:var(--c2)}.c3 i{border-color:var(--c3)}
        .c4 i{border-color:var(--c4)}.c5 i{border-color:var(--c5)}.bad i{border-color:var(--bad)}
        .plot{flex:1;display:grid;grid-template-columns:58px minmax(0,1fr);grid-template-rows:minmax(210px,1fr) 22px}
        .wide .plot{grid-template-rows:280px 22px}
        .y,.x{position:relative;color:var(--soft);font-size:.78rem;font-variant-numeric:tabular-nums}
        .y span{position:absolute;right:8px;transform:translateY(50%);white-space:nowrap;line-height:1}
        .x{grid-column:2}.x span{position:absolute;top:6px;transform:translateX(-50%);white-space:nowrap;line-height:1}.x .end{transform:translateX(-75%)}
        .area{position:relative;touch-action:pan-y}
        svg{position:absolute;inset:0;display:block;width:100%;height:100%;overflow:visible;pointer-events:none}
        path{vector-effect:non-scaling-stroke;fill:none}
        .grid path.grid,path.grid{stroke:var(--line);stroke-width:1}
        path.line{stroke-width:2;stroke-linejoin:round}path.dash{stroke-width:1.6;stroke-dasharray:5 4}
        path.c1{stroke:var(--c1)}path.c2{stroke:var(--c2)}path.c3{stroke:var(--c3)}path.c4{stroke:var(--c4)}
        path.c5{stroke:var(--c5)}path.bad{stroke:var(--bad)}path.bar{fill:var(--c1);stroke:var(--card);stroke-width:1}
        .cross{position:absolute;top:0;bottom:0;width:1px;background:var(--soft);pointer-events:none}
        .tip{position:absolute;top:6px;z-index:2;padding:6px 10px;border-radius:8px;background:var(--ink);color:var(--card);
        font-size:.82rem;white-space:nowrap;pointer-events:none;font-variant-numeric:tabular-nums}
        .tip b{display:block}.tip i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
        .scroll{overflow-x:auto}
        table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.92rem}
        caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
        th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
        th{font-weight:600}thead th{color:var(--soft);font-size:.84rem}
        tr>:first-child{text-align:left;padding-left:0}tr>:last-child{padding-right:0}
        tbody tr:last-child>*{border-bottom:0}
        tbody th{font-weight:500}
        .tight{width:auto}.tight th,.tight td{padding-right:36px}
        .folded td{white-space:normal;overflow-wrap:anywhere}
        .left td:nth-child(2),.left th:nth-child(2){text-align:left}
        .good{color:var(--good)}.bad{color:var(--bad)}
        .mark{font-weight:650}
        dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:3px 16px;margin:0;font-size:.92rem}
        .scroll+dl{margin-top:10px}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
        .range{position:relative;display:block;min-width:200px;height:14px}
        .range::before{content:"";position:absolute;left:50%;top:0;bottom:0;width:1px;background:var(--soft)}
        .range i{position:absolute;top:5px;height:4px;min-width:2px;border-radius:2px;background:var(--c5)}
        .range.good i{background:var(--good)}.range.bad i{background:var(--bad)}
        footer{margin-top:18px;color:var(--soft);font-size:.85rem}
        @media(max-width:720px){main{padding:18px 12px 30px}.grid{grid-template-columns:minmax(0,1fr)}
        .minor{display:none}th,td{padding:5px 6px}.plot{grid-template-columns:50px minmax(0,1fr)}.wide .plot{grid-template-rows:230px 22px}
        .chart{padding:12px 16px 8px 8px}.chart figcaption,.legend{padding-left:6px}
        .tiles{grid-template-columns:repeat(2,minmax(0,1fr))}}
        @media print{body{background:#fff;font-size:12px}main{max-width:none;padding:0}
        .card,.chart,.tiles li,.verdict{break-inside:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
        """

    /// Shows the values under the pointer. Names reach the page as text only.
    private static let script = """
        document.querySelectorAll('.area').forEach(function(area){
        var d=JSON.parse(area.dataset.chart),tip=document.createElement('div'),cross=document.createElement('div');
        tip.className='tip';cross.className='cross';tip.hidden=cross.hidden=true;area.append(cross,tip);
        function digits(v){return v<9.995?v.toFixed(2):v<99.95?v.toFixed(1):Math.round(v).toLocaleString('en')}
        function time(v){return v<999.5?digits(v)+' µs':v<999500?digits(v/1e3)+' ms':digits(v/1e6)+' s'}
        function value(v,u){return v===null?'–':u==='us'?time(v):
        (v<100&&v%1?v.toFixed(1):Math.round(v).toLocaleString('en'))+u}
        function across(f){if(d.x==='%')return (100*(1-Math.pow(10,-f*d.b))).toFixed(Math.min(5,Math.max(1,Math.ceil(f*d.b))))+' %';
        var v=d.k==='logarithmic'?d.a*Math.pow(d.b/d.a,f):d.a+f*(d.b-d.a);
        return d.x==='us'?'up to '+time(v):v.toFixed(d.b-d.a<20?1:0)+' s'}
        function index(xs,f,step){var i=xs.findIndex(function(x){return x>=f*1000-.05});if(i<0)return xs.length-1;
        return !step&&i>0&&f*1000-xs[i-1]<xs[i]-f*1000?i-1:i}
        function move(e){var r=area.getBoundingClientRect(),f=Math.min(1,Math.max(0,(e.clientX-r.left)/r.width)),at=f;
        tip.textContent='';var head=document.createElement('b');tip.append(head);
        d.l.forEach(function(l,n){if(!l[3].length)return;var i=index(l[3],f,l[2]),row=document.createElement('div'),dot=document.createElement('i');
        if(n===0&&d.x!=='%')at=l[3][i]/1000;dot.style.background='var(--'+l[1]+')';row.append(dot,l[0]+' '+value(l[4][i],d.u));tip.append(row)});
        head.textContent=across(at);tip.hidden=cross.hidden=false;cross.style.left=at*100+'%';
        var left=at*r.width+12;if(left+tip.offsetWidth>r.width)left=at*r.width-tip.offsetWidth-12;
        tip.style.left=Math.max(-50,left)+'px'}
        area.addEventListener('pointermove',move);area.addEventListener('pointerdown',move);
        area.addEventListener('pointerleave',function(){tip.hidden=cross.hidden=true})});
        """
}

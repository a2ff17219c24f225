"""A flame graph as one SVG that needs nothing else: rows of frames, width is the share of samples, hover and click by a short script."""
import html, zlib

WIDTH, ROW, TOP, BOTTOM, SIDE = 1200, 17, 44, 30, 10
# Frames narrower than this are left out: nobody can see them, and a file of half of them is twice as large.
PIXELS_MIN = 0.4
CHARACTER = 6.6

STYLE = """text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:#1c1c1c;pointer-events:none}
#title{font:bold 15px system-ui,sans-serif}#info{font-size:12px}g rect{stroke:#fff;stroke-width:.5;cursor:pointer}
g:hover rect{stroke:#000;stroke-width:1}.dim{opacity:.45}"""

# Zooming recomputes positions from the shares in the frames' own data, so that nothing is drawn twice.
SCRIPT = """
const frames=[...document.querySelectorAll('g[data-x]')],info=document.getElementById('info'),
 W=%(width)d,S=%(side)d,C=%(character)s,hint=info.textContent;
function text(frame,width){const label=frame.querySelector('text'),name=frame.dataset.n,room=Math.floor((width-6)/C);
 label.textContent=room<3?'':name.length>room?name.slice(0,room-1)+'\\u2026':name}
function zoom(root){const x0=+root.dataset.x,w0=+root.dataset.w,depth=+root.dataset.d,k=(W-2*S)/w0;
 for(const frame of frames){const x=+frame.dataset.x,w=+frame.dataset.w,
  isAncestor=+frame.dataset.d<depth&&x<=x0&&x+w>=x0+w0,isInside=x>=x0-1e-9&&x+w<=x0+w0+1e-9&&+frame.dataset.d>=depth;
  frame.style.display=isAncestor||isInside?'':'none';frame.classList.toggle('dim',isAncestor);
  if(!isAncestor&&!isInside)continue;
  const left=isAncestor?S:S+(x-x0)*k,width=isAncestor?W-2*S:w*k,rect=frame.querySelector('rect');
  rect.setAttribute('x',left);rect.setAttribute('width',width);frame.querySelector('text').setAttribute('x',left+3);text(frame,width)}}
for(const frame of frames){frame.addEventListener('click',()=>zoom(frame));
 frame.addEventListener('mouseover',()=>{info.textContent=frame.querySelector('title').textContent});
 frame.addEventListener('mouseout',()=>{info.textContent=hint})}
"""


class Node:
    def __init__(self, name):
        self.name, self.samples, self.children = name, 0, {}

    def add(self, frames, count):
        self.samples += count
        node = self
        for name in frames:
            node = node.children.setdefault(name, Node(name))
            node.samples += count


def colour(name):
    """The kernel is blue, Swift and C of ours warm, libraries green; the shade comes from the name, so that it never changes."""
    shade = zlib.crc32(name.encode()) % 40
    if name.endswith("_[k]"):
        return f"rgb({120 + shade},{165 + shade // 2},{225})"
    if name.startswith("[") or name.startswith("mdb_") or name.startswith("__") or name.startswith("swift_"):
        return f"rgb({150 + shade},{205 + shade // 2},{130 + shade})"
    return f"rgb({240},{150 + shade * 2},{70 + shade})"


def render(stacks, title, width_is="time", unit="samples", colours="Blue: kernel; orange: the gateway; green: libraries."):
    """`stacks` are {(outermost, …, innermost): so many of the unit}."""
    root = Node("all")
    for stack, count in stacks.items():
        root.add(stack, count)
    rows, frames = [0], []

    def place(node, depth, x):
        width = node.samples / root.samples
        if width * (WIDTH - 2 * SIDE) < PIXELS_MIN:
            return
        rows[0] = max(rows[0], depth + 1)
        frames.append((node, depth, x, width))
        # Alphabetically, since order in time is not what a flame graph shows; equal frames are then one.
        for name in sorted(node.children):
            child = node.children[name]
            place(child, depth + 1, x)
            x += child.samples / root.samples

    place(root, 0, 0.0)
    height = TOP + rows[0] * ROW + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f"<style>{STYLE}</style>", f'<rect width="{WIDTH}" height="{height}" fill="#fdfdfb"/>',
        f'<text id="title" x="{SIDE}" y="22">{html.escape(title)}</text>',
        f'<text id="info" x="{SIDE}" y="{height - 10}">Width is {width_is}. {colours} '
        "Click a frame to zoom, the bottom row to go back.</text>"]
    for node, depth, x, width in frames:
        left, pixels = SIDE + x * (WIDTH - 2 * SIDE), width * (WIDTH - 2 * SIDE)
        top = TOP + (rows[0] - 1 - depth) * ROW
        name = html.escape(node.name, quote=True)
        room = int((pixels - 6) / CHARACTER)
        label = "" if room < 3 else node.name if len(node.name) <= room else node.name[:room - 1] + "…"
        parts.append(
            f'<g data-x="{x:.6g}" data-w="{width:.6g}" data-d="{depth}" data-n="{name}"><title>{name}: {width:.2%}, {node.samples:,} '
            f'{unit}</title><rect x="{left:.2f}" y="{top}" width="{pixels:.2f}" height="{ROW - 1}" fill="{colour(node.name)}"/>'
            f'<text x="{left + 3:.2f}" y="{top + 12}">{html.escape(label)}</text></g>')
    script = SCRIPT % {"width": WIDTH, "side": SIDE, "character": CHARACTER}
    parts.append(f"<script><![CDATA[{script}]]></script></svg>\n")
    return "\n".join(parts)

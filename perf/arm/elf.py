"""What an ELF file of any machine says: the functions it has, the libraries it needs, where its code is."""
import bisect, struct

SHT_SYMTAB, SHT_DYNAMIC, SHT_DYNSYM = 2, 6, 11
STT_FUNC, STT_IFUNC = 2, 10
PT_LOAD, DT_NEEDED = 1, 1


class Elf:
    """A 64-bit little-endian ELF file."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            self.data = file.read()
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is not a 64-bit ELF file")
        fields = struct.unpack_from("<HHIQQQIHHHHHH", self.data, 16)
        programs, sections, entry, count = fields[4], fields[5], fields[10], fields[11]
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, programs + index * fields[8]) for index in range(fields[9])]
        self.sections = [struct.unpack_from("<IIQQQQIIQQ", self.data, sections + index * entry) for index in range(count)]
        self.functions = None

    def text(self, table, offset):
        start = self.sections[table][4] + offset
        return self.data[start:self.data.index(b"\0", start)].decode(errors="replace")

    def needed(self):
        """Names of the shared libraries that it is linked with."""
        names = []
        for section in self.sections:
            if section[1] == SHT_DYNAMIC:
                for at in range(section[4], section[4] + section[5], 16):
                    tag, value = struct.unpack_from("<QQ", self.data, at)
                    if tag == DT_NEEDED:
                        names.append(self.text(section[6], value))
        return names

    def address(self, offset):
        """The address, before it is loaded, of what stands at an offset of the file."""
        for kind, _, start, address, _, size, _, _ in self.segments:
            if kind == PT_LOAD and start <= offset < start + size:
                return address + offset - start
        return None

    def read_functions(self):
        symbols = {}
        for kind in (SHT_DYNSYM, SHT_SYMTAB):
            for section in self.sections:
                if section[1] != kind:
                    continue
                for at in range(section[4], section[4] + section[5], 24):
                    name, info, _, _, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                    if info & 15 in (STT_FUNC, STT_IFUNC) and value and size:
                        symbols.setdefault(value, (size, section[6], name))
        self.starts = sorted(symbols)
        self.functions = symbols

    def function(self, address):
        """The mangled name of the function at an address, or None."""
        if self.functions is None:
            self.read_functions()
        index = bisect.bisect_right(self.starts, address) - 1
        if index < 0:
            return None
        size, table, name = self.functions[self.starts[index]]
        return self.text(table, name) if address < self.starts[index] + size else None

package container

import "encoding/binary"

// EachRIFFChunk calls visit for each chunk in src, which are chunks of a RIFF file one behind the other (RFC 9649 §2.3), until
// visit returns an error. Less than a chunk's header at the end is ignored.
func EachRIFFChunk(src []byte, visit func(Chunk) error) error {
	for at := 0; len(src)-at >= 8; {
		kind, size := string(src[at:at+4]), int64(binary.LittleEndian.Uint32(src[at+4:]))
		if size > int64(len(src)-at-8) {
			return corrupt("chunk %q of %d bytes, where %d are left", kind, size, len(src)-at-8)
		}
		c := Chunk{Kind: kind, Body: src[at+8 : at+8+int(size)], Start: at}
		c.End = min(at+8+int(size+size&1), len(src))
		if err := visit(c); err != nil {
			return err
		}
		at = c.End
	}
	return nil
}

// AppendRIFFChunk appends a chunk to dst, padded to an even length.
func AppendRIFFChunk(dst []byte, kind string, body []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(append(dst, kind...), uint32(len(body)))
	return append(append(dst, body...), make([]byte, len(body)&1)...)
}

// WebPChunks are the chunks of a WebP, without the header before them and what lies behind the file's stated end.
func WebPChunks(src []byte) ([]byte, error) {
	if len(src) < 12 {
		return nil, corrupt("WebP of %d bytes", len(src))
	}
	size := int64(binary.LittleEndian.Uint32(src[4:])) + 8
	if size > int64(len(src)) {
		return nil, corrupt("%d bytes of %d", len(src), size)
	}
	return src[12:max(size, 12)], nil
}

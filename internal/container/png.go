package container

import (
	"encoding/binary"
	"hash/crc32"
)

// PNGSignature begins every PNG (W3C PNG, third edition, §5.2).
const PNGSignature = "\x89PNG\r\n\x1a\n"

// A Chunk is one chunk of a PNG or RIFF file.
type Chunk struct {
	Kind  string // four characters
	Body  []byte
	Start int // where it begins in the file
	End   int // where the next one begins
}

// NextPNGChunk is the chunk of a PNG that begins at at (W3C PNG, third edition, §5.3). Its checksum is not looked at.
func NextPNGChunk(src []byte, at int) (Chunk, error) {
	if len(src)-at < 12 {
		return Chunk{}, corrupt("ends without an IEND chunk")
	}
	size, kind := int64(binary.BigEndian.Uint32(src[at:])), string(src[at+4:at+8])
	if size > int64(len(src)-at-12) {
		return Chunk{}, corrupt("chunk %q of %d bytes at %d of %d", kind, size, at, len(src))
	}
	end := at + 12 + int(size)
	return Chunk{Kind: kind, Body: src[at+8 : end-4], Start: at, End: end}, nil
}

// AppendPNGChunk appends a chunk to dst, with its checksum.
func AppendPNGChunk(dst []byte, kind string, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(size))
	summed := len(dst)
	dst = append(dst, kind...)
	for _, p := range parts {
		dst = append(dst, p...)
	}
	return binary.BigEndian.AppendUint32(dst, crc32.ChecksumIEEE(dst[summed:]))
}

package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/hashicorp/raft"
)

// A sealed value is one byte of format, CRC32C (big endian), and the value. The sum covers what the value belongs to as
// well: the key, or the rest of the log entry.
const (
	sealFormat = 1
	sealLength = 5
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errSum = errors.New("checksum does not match")

func seal(sum uint32, value []byte) []byte {
	sealed := make([]byte, 0, sealLength+len(value))
	sealed = append(sealed, sealFormat)
	sealed = binary.BigEndian.AppendUint32(sealed, sum)
	return append(sealed, value...)
}

// unseal returns the value and the sum it was sealed with.
func unseal(sealed []byte) (value []byte, sum uint32, err error) {
	if len(sealed) < sealLength {
		return nil, 0, fmt.Errorf("has %d bytes, fewer than a checksum needs", len(sealed))
	}
	if sealed[0] != sealFormat {
		return nil, 0, fmt.Errorf("has format %d, want %d", sealed[0], sealFormat)
	}
	return sealed[sealLength:], binary.BigEndian.Uint32(sealed[1:]), nil
}

// logSum covers every field of the entry. Lengths keep neighbours apart.
func logSum(l *raft.Log) uint32 {
	head := make([]byte, 0, 33)
	head = binary.BigEndian.AppendUint64(head, l.Index)
	head = binary.BigEndian.AppendUint64(head, l.Term)
	head = append(head, byte(l.Type))
	head = binary.BigEndian.AppendUint64(head, uint64(l.AppendedAt.UnixNano()))
	head = binary.BigEndian.AppendUint64(head, uint64(len(l.Data)))
	sum := crc32.Checksum(head, castagnoli)
	sum = crc32.Update(sum, castagnoli, l.Data)
	return crc32.Update(sum, castagnoli, l.Extensions)
}

func sealLog(l *raft.Log) *raft.Log {
	sealed := *l
	sealed.Data = seal(logSum(l), l.Data)
	return &sealed
}

func unsealLog(l *raft.Log) error {
	data, sum, err := unseal(l.Data)
	if err != nil {
		return err
	}
	if l.Data = data; len(data) == 0 {
		l.Data = nil
	}
	if logSum(l) != sum {
		return errSum
	}
	return nil
}

func valueSum(key, value []byte) uint32 {
	sum := crc32.Checksum(binary.BigEndian.AppendUint64(nil, uint64(len(key))), castagnoli)
	return crc32.Update(crc32.Update(sum, castagnoli, key), castagnoli, value)
}

func unsealValue(key, sealed []byte) ([]byte, error) {
	value, sum, err := unseal(sealed)
	if err != nil {
		return nil, err
	}
	if valueSum(key, value) != sum {
		return nil, errSum
	}
	return value, nil
}

package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
)

// The layout of a bbolt file, version 2 (go.etcd.io/bbolt internal/common: meta.go, page.go, bucket.go). Numbers are in
// the machine's byte order.
const (
	pageHeader   = 16 // id u64, flags u16, count u16, overflow u32
	pageElement  = 16 // leaf: flags, pos, ksize, vsize, u32 each; branch: pos, ksize u32, page u64
	bucketHeader = 16 // root u64, sequence u64
	metaLength   = 64 // magic, version, page size, flags u32; root, sequence, freelist, high water, txid, checksum u64

	flagBranch = 0x01
	flagLeaf   = 0x02
	flagBucket = 0x01 // of a leaf's element

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	noFreelist  = ^uint64(0)

	maxDepth = 32 // of a tree; 2^31 pages of two keys
)

// boltFile reads a bbolt file page by page, without mapping it. It finds every damage that bbolt would meet with a panic
// or, worse, with the wrong answer; the values' own checksums find the rest.
type boltFile struct {
	r         io.ReaderAt
	pageSize  uint64
	highWater uint64          // first page never used
	seen      map[uint64]bool // pages that some tree holds already
}

// content is what a store's file holds, in its own order.
type content struct {
	logs [][]byte // keys
	conf [][]byte
}

// inspect walks all that is reachable and returns the keys of raft-boltdb's two buckets.
func inspect(r io.ReaderAt, size int64) (content, error) {
	f := &boltFile{r: r, seen: make(map[uint64]bool)}
	root, err := f.newest(size)
	if err != nil {
		return content{}, err
	}
	var found content
	err = f.tree(root, nil, nil, 0, func(flags uint32, key, value []byte) error {
		if flags != flagBucket {
			return fmt.Errorf("%q at the top is no bucket", key)
		}
		var into *[][]byte
		switch string(key) {
		case "logs":
			into = &found.logs
		case "conf":
			into = &found.conf
		default:
			return fmt.Errorf("unknown bucket %q", key)
		}
		return f.bucket(value, func(flags uint32, key, _ []byte) error {
			if flags != 0 {
				return fmt.Errorf("%x has flags %x", key, flags)
			}
			*into = append(*into, bytes.Clone(key))
			return nil
		})
	})
	return found, err
}

type boltMeta struct{ pageSize, root, freelist, highWater, txid uint64 }

// newest reads both meta pages and returns the root of the newer. One that is damaged is not forgiven, though bbolt falls
// back on the other silently: that forgets the last transaction, which may have been a vote. A crash cannot leave it so,
// its 64 bytes lie in one sector.
func (f *boltFile) newest(size int64) (root uint64, err error) {
	first, err := f.meta(0)
	if err != nil {
		return 0, err
	}
	if p := first.pageSize; p < 512 || p > 1<<16 || p&(p-1) != 0 {
		return 0, fmt.Errorf("page size %d", p)
	}
	second, err := f.meta(int64(first.pageSize))
	if err != nil {
		return 0, err
	}
	m := first
	if second.txid > first.txid {
		m = second
	}
	f.pageSize, f.highWater = m.pageSize, m.highWater
	if m.highWater > uint64(size)/m.pageSize {
		return 0, fmt.Errorf("is cut short: %d bytes, %d pages of %d are in use", size, m.highWater, m.pageSize)
	}
	if m.freelist != noFreelist {
		return 0, errors.New("keeps a freelist, which this store never writes")
	}
	return m.root, nil
}

func (f *boltFile) meta(offset int64) (boltMeta, error) {
	raw := make([]byte, metaLength)
	if _, err := f.r.ReadAt(raw, offset+pageHeader); err != nil {
		return boltMeta{}, fmt.Errorf("meta page at %d: %w", offset, err)
	}
	u32, u64 := binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	if u32(raw) != boltMagic || u32(raw[4:]) != boltVersion {
		return boltMeta{}, fmt.Errorf("meta page at %d: not a bbolt file of version %d", offset, boltVersion)
	}
	sum := fnv.New64a()
	sum.Write(raw[:56])
	if sum.Sum64() != u64(raw[56:]) {
		return boltMeta{}, fmt.Errorf("meta page at %d: %w", offset, errSum)
	}
	return boltMeta{pageSize: uint64(u32(raw[8:])), root: u64(raw[16:]), freelist: u64(raw[32:]), highWater: u64(raw[40:]), txid: u64(raw[48:])}, nil
}

// visit gets a leaf's elements in the order of the keys.
type visit func(flags uint32, key, value []byte) error

// bucket walks a bucket, whose small ones lie in the value itself.
func (f *boltFile) bucket(value []byte, v visit) error {
	if len(value) < bucketHeader {
		return fmt.Errorf("bucket of %d bytes", len(value))
	}
	root := binary.NativeEndian.Uint64(value)
	if root != 0 {
		return f.tree(root, nil, nil, 0, v)
	}
	inline := value[bucketHeader:]
	if len(inline) < pageHeader {
		return fmt.Errorf("inline bucket of %d bytes", len(inline))
	}
	if flags := binary.NativeEndian.Uint16(inline[8:]); flags != flagLeaf {
		return fmt.Errorf("inline bucket has flags %x", flags)
	}
	return f.leaf(inline, nil, nil, v)
}

// tree walks the pages below id. Their keys are at least low and, unless high is nil, below high.
func (f *boltFile) tree(id uint64, low, high []byte, depth int, v visit) error {
	if depth > maxDepth {
		return fmt.Errorf("page %d: the tree is deeper than %d", id, maxDepth)
	}
	page, err := f.page(id)
	if err != nil {
		return err
	}
	switch flags := binary.NativeEndian.Uint16(page[8:]); flags {
	case flagLeaf:
		err = f.leaf(page, low, high, v)
	case flagBranch:
		err = f.branch(page, low, high, depth, v)
	default:
		err = fmt.Errorf("flags %x", flags)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

// page reads a page with its overflow.
func (f *boltFile) page(id uint64) ([]byte, error) {
	if id < 2 || id >= f.highWater {
		return nil, fmt.Errorf("page %d: outside of 2 to %d", id, f.highWater)
	}
	head := make([]byte, pageHeader)
	if _, err := f.r.ReadAt(head, int64(id*f.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	if is := binary.NativeEndian.Uint64(head); is != id {
		return nil, fmt.Errorf("page %d: says that it is %d", id, is)
	}
	overflow := uint64(binary.NativeEndian.Uint32(head[12:]))
	if overflow >= f.highWater-id {
		return nil, fmt.Errorf("page %d: has %d more, past the end", id, overflow)
	}
	for p := id; p <= id+overflow; p++ {
		if f.seen[p] {
			return nil, fmt.Errorf("page %d: is in two places", p)
		}
		f.seen[p] = true
	}
	page := make([]byte, (overflow+1)*f.pageSize)
	if _, err := f.r.ReadAt(page, int64(id*f.pageSize)); err != nil {
		return nil, fmt.Errorf("page %d: %w", id, err)
	}
	return page, nil
}

// element returns the bytes of element i and those that begin at its position field's target.
func element(page []byte, i int, pos func(e []byte) uint32) (e, target []byte, err error) {
	at := pageHeader + i*pageElement
	if at+pageElement > len(page) {
		return nil, nil, fmt.Errorf("element %d lies outside", i)
	}
	e = page[at : at+pageElement]
	start := uint64(at) + uint64(pos(e))
	if start > uint64(len(page)) {
		return nil, nil, fmt.Errorf("element %d points outside", i)
	}
	return e, page[start:], nil
}

func (f *boltFile) leaf(page, low, high []byte, v visit) error {
	u32 := binary.NativeEndian.Uint32
	count := int(binary.NativeEndian.Uint16(page[10:]))
	order := keyOrder{low: low, high: high}
	for i := range count {
		e, target, err := element(page, i, func(e []byte) uint32 { return u32(e[4:]) })
		if err != nil {
			return err
		}
		ksize, vsize := uint64(u32(e[8:])), uint64(u32(e[12:]))
		if ksize+vsize > uint64(len(target)) {
			return fmt.Errorf("element %d reaches outside", i)
		}
		key := target[:ksize]
		if err := order.next(key); err != nil {
			return err
		}
		if err := v(u32(e), key, target[ksize:ksize+vsize]); err != nil {
			return err
		}
	}
	return nil
}

func (f *boltFile) branch(page, low, high []byte, depth int, v visit) error {
	u32 := binary.NativeEndian.Uint32
	count := int(binary.NativeEndian.Uint16(page[10:]))
	if count == 0 {
		return errors.New("a branch without children")
	}
	order := keyOrder{low: low, high: high}
	var keys [][]byte
	var children []uint64
	for i := range count {
		e, target, err := element(page, i, func(e []byte) uint32 { return u32(e) })
		if err != nil {
			return err
		}
		ksize := uint64(u32(e[4:]))
		if ksize > uint64(len(target)) {
			return fmt.Errorf("element %d reaches outside", i)
		}
		if err := order.next(target[:ksize]); err != nil {
			return err
		}
		keys, children = append(keys, target[:ksize]), append(children, binary.NativeEndian.Uint64(e[8:]))
	}
	for i, child := range children {
		next := high
		if i+1 < len(keys) {
			next = keys[i+1]
		}
		if err := f.tree(child, keys[i], next, depth+1, v); err != nil {
			return err
		}
	}
	return nil
}

// keyOrder checks that keys rise strictly, from low on and below high.
type keyOrder struct {
	low, high []byte
	last      []byte
}

func (o *keyOrder) next(key []byte) error {
	switch {
	case len(key) == 0:
		return errors.New("an empty key")
	case o.last == nil && bytes.Compare(key, o.low) < 0,
		o.last != nil && bytes.Compare(key, o.last) <= 0,
		o.high != nil && bytes.Compare(key, o.high) >= 0:
		return fmt.Errorf("key %x is out of order", key)
	}
	o.last = key
	return nil
}

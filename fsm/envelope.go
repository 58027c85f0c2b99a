package fsm

import (
	"bytes"
	"compress/flate"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// The limits of an entry. They are part of the format: a release that changed one would answer differently from the others.
const (
	MaxPacked = 1 << 20  // bytes of payload as it travels
	MaxPlain  = 16 << 20 // bytes of payload as it is read

	maxHeader  = 64 << 10
	packFrom   = 1 << 10 // smaller payloads travel plain, readable in a dump
	maxRequest = 64
)

// Envelope is a command with what is said about it.
type Envelope struct {
	Request string    // 1..64 bytes, chosen by whoever asked first (NewRequest); the same command again gets the first answer, another one ErrReused
	Actor   Actor     // who asked
	At      time.Time // the proposer's wall clock; Apply looks at no other
	Command Command
	Level   int // the command level that it needs, from 1: what Decode finds; Encode finds it out for itself
}

// An entry is
//
//	"PLS" format(1)  CRC32C(4) over everything else  length of the header(4)  header  payload
//
// with numbers in network order, header and payload in JSON, the payload deflated when that makes it smaller.
const (
	magic      = "PLS"
	format     = 1
	prefixSize = len(magic) + 1 + 4 + 4
)

type header struct {
	Command Name      `json:"command"`
	Version int       `json:"version"`
	Request string    `json:"request"`
	Actor   Actor     `json:"actor"`
	At      time.Time `json:"at"`
	Packed  string    `json:"packed,omitempty"` // "deflate" or "": plain
	Level   int       `json:"level,omitempty"`  // the command level that it needs; 0: the first, which knows no levels
}

const deflate = "deflate"

// commandVersion is the version of every command so far. A command whose meaning or fields change gets a new number, and
// Apply goes on knowing the old one.
const commandVersion = 1

// NewRequest returns a fresh request ID. Keep it across the retries of one wish.
func NewRequest() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("fsm: no randomness: " + err.Error()) // crypto/rand never fails on Linux
	}
	return hex.EncodeToString(b[:])
}

// Encode is Levels.Encode of this build.
func Encode(e Envelope) ([]byte, error) { return ThisBuild().Encode(e) }

// Decode is Levels.Decode of this build.
func Decode(b []byte) (Envelope, error) { return ThisBuild().Decode(b) }

// Encode returns the entry for raft. What is wrong with the envelope in itself is answered as a *Refusal (ErrInvalid,
// ErrTooLarge), before it costs a log entry. The envelope is not changed.
func (l Levels) Encode(e Envelope) ([]byte, error) {
	switch {
	case e.Command == nil:
		return nil, refuse(CodeInvalid, "", "an envelope without a command")
	case e.Request == "" || len(e.Request) > maxRequest:
		return nil, refuse(CodeInvalid, "", "a request ID has 1 to %d bytes, this one %d", maxRequest, len(e.Request))
	case e.At.IsZero():
		return nil, refuse(CodeInvalid, "", "an envelope without a time")
	}
	if r := e.Command.check(); r != nil {
		return nil, r
	}
	payload, err := marshal(e.Command)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Command.Name(), err)
	}
	need, err := l.Need(e.Command)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Command.Name(), err)
	}
	h := header{Command: e.Command.Name(), Version: commandVersion, Request: e.Request, Actor: e.Actor, At: e.At.UTC()}
	if need.Level > 1 {
		h.Level = need.Level
	}
	if len(payload) > MaxPlain {
		return nil, tooLarge(len(payload), MaxPlain, "")
	}
	if len(payload) >= packFrom {
		packed, err := pack(payload)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", h.Command, err)
		}
		if len(packed) < len(payload) {
			h.Packed, payload = deflate, packed
		}
	}
	if len(payload) > MaxPacked {
		return nil, tooLarge(len(payload), MaxPacked, " compressed")
	}
	head, err := marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", h.Command, err)
	}
	if len(head) > maxHeader {
		return nil, refuse(CodeTooLarge, "", "the actor's name is %d bytes long", len(head))
	}
	b := make([]byte, 0, prefixSize+len(head)+len(payload))
	b = append(b, magic...)
	b = append(b, format, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(head)))
	b = append(b, head...)
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b[4:], checksum(b))
	// What this release cannot read itself must not get into the log: nobody could apply it. Documents are read by Admit.
	if _, err := l.decode(b); err != nil {
		return nil, fmt.Errorf("encode %s: %w", h.Command, err)
	}
	return b, nil
}

// Decode reads an entry. The errors: ErrUnknown (format, command, version, level, field or schema of a newer release), ErrCorrupt
// (anything else that Encode does not write), and ErrTooLarge as a *Refusal, then with the envelope, its command empty.
func (l Levels) Decode(b []byte) (Envelope, error) { return l.decodeBeside(b, nil) }

// decodeBeside is Decode of an entry that comes to a state: a document in it may have most in common with the running one.
func (l Levels) decodeBeside(b []byte, s *Snapshot) (Envelope, error) {
	e, err := l.decode(b)
	if err != nil {
		return e, err
	}
	if r, ok := e.Command.(reader); ok {
		if err := r.read(s.running()); err != nil {
			return Envelope{}, fmt.Errorf("entry: %s: %w", e.Command.Name(), err)
		}
	}
	return e, nil
}

// decode is Decode without reading the documents in it.
func (l Levels) decode(b []byte) (Envelope, error) {
	h, payload, err := split(b)
	if err != nil {
		return Envelope{}, fmt.Errorf("entry: %w", err)
	}
	if h.Level > l.Own() {
		return Envelope{}, fmt.Errorf("entry: %w", tooNew(string(h.Command), h.Level, l.Own()))
	}
	c, err := blank(h.Command)
	if err != nil {
		return Envelope{}, fmt.Errorf("entry: %w", err)
	}
	e := Envelope{Request: h.Request, Actor: h.Actor, At: h.At.UTC(), Command: c, Level: max(1, h.Level)}
	if h.Version != commandVersion {
		return Envelope{}, fmt.Errorf("entry: %w: version %d of the command %s, this release knows %d",
			ErrUnknown, h.Version, h.Command, commandVersion)
	}
	if len(payload) > MaxPacked {
		return e, tooLarge(len(payload), MaxPacked, " compressed")
	}
	switch h.Packed {
	case "":
	case deflate:
		payload, err = unpack(payload)
		switch {
		case errors.Is(err, ErrTooLarge):
			return e, err
		case err != nil:
			return Envelope{}, fmt.Errorf("entry: %s: %w", h.Command, err)
		}
	default:
		return Envelope{}, fmt.Errorf("entry: %w: packed with %q", ErrUnknown, h.Packed)
	}
	if err := unmarshal(payload, c); err != nil {
		return Envelope{}, fmt.Errorf("entry: %s: %w", h.Command, err)
	}
	return e, nil
}

// split checks the frame and reads the header.
func split(b []byte) (header, []byte, error) {
	if len(b) < prefixSize || string(b[:len(magic)]) != magic {
		return header{}, nil, fmt.Errorf("%w: it does not begin as an entry does", ErrCorrupt)
	}
	// The checksum covers the format byte, so a flipped bit there does not pass for a newer release.
	if got, want := binary.BigEndian.Uint32(b[4:]), checksum(b); got != want {
		return header{}, nil, fmt.Errorf("%w: checksum %08x, content says %08x", ErrCorrupt, got, want)
	}
	if f := b[len(magic)]; f != format {
		return header{}, nil, fmt.Errorf("%w: format %d, this release reads %d", ErrUnknown, f, format)
	}
	size := binary.BigEndian.Uint32(b[8:])
	rest := b[prefixSize:]
	if size > maxHeader || int(size) > len(rest) {
		return header{}, nil, fmt.Errorf("%w: its header claims %d bytes", ErrCorrupt, size)
	}
	var h header
	if err := unmarshal(rest[:size], &h); err != nil {
		return header{}, nil, fmt.Errorf("header: %w", err)
	}
	if h.Request == "" || len(h.Request) > maxRequest {
		return header{}, nil, fmt.Errorf("%w: a request ID of %d bytes", ErrCorrupt, len(h.Request))
	}
	return h, rest[size:], nil
}

// checksum is over everything but itself.
func checksum(b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(b[:4], table), table, b[8:])
}

func tooLarge(size, limit int, how string) *Refusal {
	return refuse(CodeTooLarge, "keep what is not configuration out of the document's text",
		"the change is %d bytes%s, at most %d are possible", size, how, limit)
}

func pack(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func unpack(packed []byte) ([]byte, error) {
	r := bytes.NewReader(packed)
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(r), MaxPlain+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	case len(plain) > MaxPlain:
		return nil, refuse(CodeTooLarge, "keep what is not configuration out of the document's text",
			"the change is more than %d bytes", MaxPlain)
	case r.Len() > 0:
		return nil, fmt.Errorf("%w: something follows the payload", ErrCorrupt)
	default:
		return plain, nil
	}
}

// marshal is JSON without the escapes for HTML: they would rewrite the canonical documents inside.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// unmarshal is strict. A field that is unknown here was written by a release that forgot to raise the version: passing over
// it would let two releases end up with two states.
func unmarshal(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		why := ErrCorrupt
		if json.Unmarshal(b, v) == nil { // without the strictness it is fine, so it was that
			why = ErrUnknown
		}
		return fmt.Errorf("%w: %w", why, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows the end", ErrCorrupt)
	}
	return nil
}

// A fence in Go, standard library only: SHA-256 of the whole transcript, taken just before the lock is released, over a
// lock file. It serves one lane and implements the protocol (docs/external-fence.md) by hand, in one loop. It waits by
// time.Sleep, as Go code does.
//
//	go build -o digest examples/go/digest.go
//	python -m harness run scenarios/quickstart.yaml --fence exec:./digest
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"log"
	"os"
	"syscall"
	"time"
	"unicode/utf8"
)

const poll = 50 * time.Millisecond

var (
	errBusy = errors.New("another lane has the lock")
	codes   = map[syscall.Errno]string{
		syscall.ENOSPC: "ENOSPC", syscall.EIO: "EIO", syscall.EDQUOT: "EDQUOT", syscall.EINTR: "EINTR",
	}
)

type request struct {
	ID            int
	Do            string
	Transcript    string
	Options       map[string]any
	Entries       []string
	EntriesBase64 [][]byte `json:"entries_base64"`
	Lines         []string
	LinesBase64   [][]byte `json:"lines_base64"`
	How           string
}

type answer map[string]any

var ok = answer{"answer": "ok"}

// A lane's lock, and what it knows of the transcript.
type fence struct {
	path  string
	limit time.Duration
	held  bool
	taken bool
	known []byte
}

func (f *fence) acquire() error {
	for waited := time.Duration(0); ; waited += poll {
		file, err := os.OpenFile(f.path+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.held = true
			return file.Close()
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		if f.limit >= 0 && waited >= f.limit {
			return errBusy
		}
		time.Sleep(poll)
	}
}

func (f *fence) release() error {
	if !f.held {
		return nil
	}
	f.held = false
	return os.Remove(f.path + ".lock")
}

func (f *fence) read() ([]byte, error) {
	data, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (f *fence) remember() error {
	data, err := f.read()
	sum := sha256.Sum256(data)
	f.known = sum[:]
	return err
}

// Writes lines, of which the request has one of two forms.
func write(path string, flags int, lines []string, coded [][]byte) error {
	file, err := os.OpenFile(path, flags|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	data := bytes.Join(coded, nil)
	for _, line := range lines {
		data = append(data, line...)
	}
	_, err = file.Write(data)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

func (f *fence) guardedWrite(r request) (found answer, err error) {
	if f.taken {
		return answer{"answer": "takeover", "check": "reported before"}, nil
	}
	if err := f.acquire(); err != nil {
		return nil, err
	}
	defer func() {
		if released := f.release(); err == nil {
			err = released
		}
	}()
	before := f.known
	if err := f.remember(); err != nil {
		return nil, err
	}
	if before != nil && !bytes.Equal(before, f.known) {
		f.taken = true
		return answer{"answer": "takeover", "check": "other bytes"}, nil
	}
	if err := write(f.path, os.O_APPEND, r.Entries, r.EntriesBase64); err != nil {
		return nil, err
	}
	return ok, f.remember()
}

func (f *fence) rewrite(r request) error {
	if r.How != "rename" {
		return write(f.path, os.O_TRUNC, r.Lines, r.LinesBase64)
	}
	aside := f.path + ".rewrite.tmp"
	if err := write(aside, os.O_TRUNC, r.Lines, r.LinesBase64); err != nil {
		return err
	}
	return os.Rename(aside, f.path)
}

func (f *fence) load() (answer, error) {
	data, err := f.read()
	if utf8.Valid(data) {
		return answer{"answer": "ok", "text": string(data)}, err
	}
	return answer{"answer": "ok", "base64": base64.StdEncoding.EncodeToString(data)}, err
}

func (f *fence) handle(r request) (answer, error) {
	switch r.Do {
	case "hello":
		return answer{
			"answer": "ok", "protocol": 1, "name": "sha256 of the whole transcript, in Go",
			"lock": "sidecar", "serves": "lane", "operations": []string{"rewrite"},
		}, nil
	case "begin_schedule":
		*f = fence{path: r.Transcript, limit: -1}
		if limit, given := r.Options["lock_timeout_ms"].(float64); given {
			f.limit = time.Duration(limit) * time.Millisecond
		}
		return ok, nil
	case "begin_turn":
		f.known, f.taken = nil, false
		return ok, f.acquire()
	case "acquire":
		return ok, f.acquire()
	case "load":
		return f.load()
	case "append":
		return ok, write(f.path, os.O_APPEND, r.Entries, r.EntriesBase64)
	case "release_for_prompt":
		if err := f.remember(); err != nil {
			return nil, err
		}
		return ok, f.release()
	case "guarded_write":
		return f.guardedWrite(r)
	case "end_turn":
		return ok, f.release()
	case "release":
		if !f.held {
			return answer{"answer": "stale_lock", "message": "released, but not held"}, nil
		}
		return ok, f.release()
	case "rewrite":
		return ok, f.rewrite(r)
	}
	return answer{"answer": "unsupported"}, nil
}

// Returns the answer that tells an error, with its code where the harness may have injected it.
func failed(err error) answer {
	if errors.Is(err, errBusy) {
		return answer{"answer": "lock_timeout", "message": err.Error()}
	}
	found := answer{"answer": "error", "message": err.Error()}
	var number syscall.Errno
	if errors.As(err, &number) && codes[number] != "" {
		found["code"] = codes[number]
	}
	return found
}

func main() {
	var f fence
	in, out := bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		r := request{ID: -1}
		if err := json.Unmarshal(line, &r); err != nil || r.ID < 0 {
			log.Fatalf("no request: %s", line)
		}
		given, err := f.handle(r)
		if err != nil {
			given = failed(err)
		}
		found := answer{"id": r.ID}
		for key, value := range given {
			found[key] = value
		}
		if err := out.Encode(found); err != nil {
			log.Fatal(err)
		}
	}
}

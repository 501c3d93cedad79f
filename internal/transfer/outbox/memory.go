package outbox

// Memory is byte slices to use again, as many as it has capacity for: nothing waits for it. It is safe for concurrent use.
type Memory chan []byte

// Take returns an empty slice of memory that was given, or nil.
func (m Memory) Take() []byte {
	select {
	case b := <-m:
		return b[:0]
	default:
		return nil
	}
}

// Give takes memory that nobody refers to any more.
func (m Memory) Give(b []byte) {
	select {
	case m <- b:
	default:
	}
}

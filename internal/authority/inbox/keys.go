package inbox

import (
	"fmt"

	"birgeoqy.kz/almasu/internal/record"
	"birgeoqy.kz/almasu/internal/signing"
)

// Keys lists the public half of the key that signs receipts, and the keys of each sender; missing are senders whose keys cannot be read, as before they have been handed over.
func Keys(c *Config) (keys []signing.Listed, missing record.Problems, err error) {
	b, err := Secret(c.ReceiptKey)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key that signs receipts: %w", err)
	}
	own, err := signing.ParseKey(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", c.ReceiptKey, err)
	}
	keys = []signing.Listed{signing.HeldKey{Key: own.Public()}.Listing("receipts")}
	for _, one := range c.Senders {
		sd, err := LoadSender(one)
		if err != nil {
			missing.Merge(err, "config.file", "sender "+one.BIN)
			continue
		}
		keys = append(keys, signing.Listed{Use: "log of sender " + sd.BIN, ID: sd.LogKey.Origin(), Public: sd.LogKey.String()})
		keys = append(keys, sd.Ring.Listing("messages of sender "+sd.BIN)...)
	}
	return keys, missing, nil
}

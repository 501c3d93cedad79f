package config

import "birgeoqy.kz/almasu/internal/legal/strict"

// Notify says whom the service tells when something goes wrong, ends soon, or is well again. Nothing personal is told.
type Notify struct {
	// Ahead is how long before a key, an agreement, an act or a policy ends it is told; default 720h.
	Ahead Duration `yaml:"ahead,optional"`
	// Mail goes to mailboxes, Webhook to a program.
	Mail    *Mail    `yaml:"mail,optional"`
	Webhook *Webhook `yaml:"webhook,optional"`
}

// Mail is a mail server and who gets the mail.
type Mail struct {
	// Server is host:port; it must offer STARTTLS.
	Server string   `yaml:"server"`
	From   string   `yaml:"from"`
	To     []string `yaml:"to"`
	// User and PasswordFile, a file of mode 0600, log in.
	User         string `yaml:"user,optional"`
	PasswordFile string `yaml:"password_file,optional"`
	// CA is a PEM file with the authorities that vouch for the server; without it, the system's.
	CA string `yaml:"ca,optional"`
	// InsecureLoopback admits a server on this machine without encryption.
	InsecureLoopback bool         `yaml:"insecure_loopback,optional"`
	Where            strict.Where `yaml:"-"`
}

// Webhook is an address that takes signed notes.
type Webhook struct {
	URL string `yaml:"url"`
	// CA is a PEM file with the authorities that vouch for the server; without it, the system's.
	CA string `yaml:"ca,optional"`
	// InsecureLoopback admits http to a loopback address.
	InsecureLoopback bool         `yaml:"insecure_loopback,optional"`
	Where            strict.Where `yaml:"-"`
}

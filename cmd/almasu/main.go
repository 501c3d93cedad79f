// Command almasu sends an education platform's profiles to the state bodies entitled to them, and
// proves what was sent and why. See "almasu --help".
package main

import (
	"os"

	"birgeoqy.kz/almasu/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

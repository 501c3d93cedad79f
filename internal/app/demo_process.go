package app

import (
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/authority"
)

// authorityCommand is the hidden command by which the demonstration runs an authority.
const authorityCommand = "demo-authority"

func (s *session) authorityCommand() *cobra.Command {
	return &cobra.Command{
		Use: authorityCommand, Hidden: true, DisableFlagParsing: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			s.json = false
			s.code = authority.Main(cmd.Context(), args, s.stdout, s.stderr, time.Now)
			return nil
		},
	}
}

package demo

import (
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/authority"
)

// authorityCommand is the hidden command by which the demonstration runs an authority.
const authorityCommand = "demo-authority"

func (s *show) authority() *cobra.Command {
	return &cobra.Command{
		Use: authorityCommand, Hidden: true, DisableFlagParsing: true,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, args []string) error {
			*s.JSON = false
			s.Code(authority.Main(cmd.Context(), args, s.Stdout, s.Stderr, time.Now))
			return nil
		},
	}
}

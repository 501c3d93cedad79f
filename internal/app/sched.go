package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/schedtool"
	"birgeoqy.kz/almasu/internal/app/service"
)

// scheduleCommands are the commands about schedules.
func (s *session) scheduleCommands() []*cobra.Command {
	return schedtool.Commands(schedtool.Env{
		Stdout: s.stdout, JSON: &s.json, Now: func() time.Time { return s.now() }, Result: func(v any) { s.result = v }, Environment: exit.Environment, User: service.Login(),
		Open: func(ctx context.Context) (*schedtool.Service, error) {
			v, err := s.open(ctx, service.Parts{Store: true})
			if err != nil {
				return nil, err
			}
			return &schedtool.Service{File: v.File, Store: v.Store, Close: v.Close}, nil
		},
	})
}

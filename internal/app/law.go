package app

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"birgeoqy.kz/almasu/internal/app/alarms"
	"birgeoqy.kz/almasu/internal/app/casework"
	"birgeoqy.kz/almasu/internal/app/exit"
	"birgeoqy.kz/almasu/internal/app/formats"
	"birgeoqy.kz/almasu/internal/app/katotool"
	"birgeoqy.kz/almasu/internal/app/keeping"
	"birgeoqy.kz/almasu/internal/app/lawtool"
	"birgeoqy.kz/almasu/internal/app/refreshing"
	"birgeoqy.kz/almasu/internal/app/requests"
	"birgeoqy.kz/almasu/internal/app/results"
	"birgeoqy.kz/almasu/internal/app/service"
	"birgeoqy.kz/almasu/internal/app/statetool"
	"birgeoqy.kz/almasu/internal/app/tell"
	"birgeoqy.kz/almasu/internal/app/watch"
	"birgeoqy.kz/almasu/internal/legal"
)

// lawCommands are the commands that ask the law and those for what it makes the operator owe, and apart those for below "log" and "transfers".
func (s *session) lawCommands() (root, log, transfers []*cobra.Command) {
	env := s.lawEnv()
	files := formats.Env{Stdout: env.Stdout, JSON: env.JSON, Config: env.Config, Result: env.Result, Code: env.Code, Environment: exit.Environment}
	keep := keeping.Env{Env: env, OpenStore: s.openStore, OpenOther: s.openOther}
	return slices.Concat(
		lawtool.Commands(env),
		[]*cobra.Command{katotool.Command(env)},
		casework.Commands(env),
		tell.Commands(env),
		watch.Commands(env),
		formats.Commands(files),
		s.planCommands(env),
		refreshing.Commands(refreshing.Env{Env: env, Run: s.runAgain}),
		results.Commands(env),
		requests.Commands(env),
		statetool.Commands(statetool.Env{Env: env, OpenStore: s.openState}),
		alarms.Commands(alarms.Env{Env: env, Watching: s.openWatching}),
		keeping.Commands(keep),
	), append(lawtool.LogCommands(env), keeping.BeginCommand(keep)), watch.TransferCommands(env, service.Wait)
}

// lawEnv is what commands in other packages need of this one.
func (s *session) lawEnv() lawtool.Env {
	return lawtool.Env{
		Stdout: s.stdout, JSON: &s.json, Config: &s.config, Now: func() time.Time { return s.now() },
		Result: func(v any) { s.result = v }, Code: func(code int) { s.code = code }, Environment: exit.Environment, Open: s.openLaw, User: service.Login(),
	}
}

// openLaw opens the service for a command that asks the law.
func (s *session) openLaw(ctx context.Context, platform bool) (*lawtool.Service, error) {
	v, err := s.open(ctx, service.Parts{Platform: platform, Store: true})
	if err != nil {
		return nil, err
	}
	out := &lawtool.Service{
		Register: v.Register, Store: v.Store, Demo: s.demo, Roster: v.Roster, Published: v.Published, Close: v.Close,
		Deliver: v.DeliverNow, RetryAnswer: v.RetryAnswer,
		Request: func(ctx context.Context, id string) (*legal.Request, error) { return v.Request(ctx, id) },
		Channel: func(connector string) string {
			if c, ok := v.Connections[connector]; ok {
				return c.Channel
			}
			return ""
		},
	}
	if v.Source != nil {
		out.Source = v.Source
	}
	return out, nil
}

// openState opens the service for the commands about a connector's state.
func (s *session) openState(ctx context.Context) (*statetool.Service, error) {
	v, err := s.open(ctx, service.Parts{Store: true})
	if err != nil {
		return nil, err
	}
	return &statetool.Service{File: v.File, Store: v.Store, Close: v.Close, Recipient: func(connector string) string { return v.Recipient(v.Connections[connector]) }}, nil
}

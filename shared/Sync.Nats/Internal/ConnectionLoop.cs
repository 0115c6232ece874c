namespace Sync.Nats.Internal;

/// <summary>
/// The life of a connection as one loop owned by one task: connect → handshake → run → back off → again.
/// Nobody else opens sockets or changes the state, so there is no race between a reconnect and anything.
/// </summary>
internal sealed class ConnectionLoop(ConnectionCore core, CancellationToken stop)
{
    private readonly TaskCompletionSource _firstRound = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _failedRounds;

    /// <summary>Completes with the first connection, or the first failed round: as an error unless retrying is
    /// on.</summary>
    public Task FirstRound => _firstRound.Task;

    public async Task RunAsync()
    {
        try
        {
            core.SetState(NatsConnectionState.Connecting);
            while (await ConnectAsync().ConfigureAwait(false) is { } session)
                await ServeAsync(session).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            _firstRound.TrySetException(new NatsException(NatsError.Closed, "The connection was closed"));
        }
        catch (Exception e)
        {
            core.Log.LoopFailed(e);
            GiveUp(new NatsException(NatsError.Unknown, $"The connection loop failed: {e.Message}", e));
        }
    }

    /// <summary>The next session; null when given up.</summary>
    private async Task<Session?> ConnectAsync()
    {
        while (true)
        {
            await BackOffAsync().ConfigureAwait(false);
            NatsException? error = null;
            foreach (var server in core.Pool.Round())
            {
                try
                {
                    return await new Handshake(server, core.Opts).ConnectAsync(stop).ConfigureAwait(false);
                }
                catch (NatsException e)
                {
                    error = e;
                    core.Log.ConnectFailed(server.ToString(), e.Message);
                    if (IsRefusedAgain(server, e))
                        return GiveUp(e);
                }
            }

            _failedRounds++;
            core.Owner.RaiseReconnectFailed(new NatsErrorEventArgs(error!));
            if (!MayGoOn(error!))
                return null;
        }
    }

    private async Task ServeAsync(Session session)
    {
        var started = core.Opts.TimeProvider.GetTimestamp();
        var epoch = core.NextEpoch();
        session.Server.LastAuthError = null;
        core.Info = session.Info;
        core.Pool.MoveToEnd(session.Server);
        core.Pool.Merge(session.Info.ConnectUrls, session.Server);
        core.Buffer.Attach(epoch, core.Subscriptions.BuildPrologueLocked);
        core.SetState(NatsConnectionState.Open);
        if (epoch > 1)
            core.Counters.Reconnected();
        core.Log.Connected(session.Server.ToString(), session.Info.Name, session.Info.Version, epoch);
        core.Owner.RaiseOpened(new NatsEventArgs(session.Server.ToString(), epoch, "Connected"));
        _firstRound.TrySetResult();

        NatsException reason;
        await using (stop.Register(() => session.End(new NatsException(NatsError.Closed, "The connection was closed"))))
            reason = await session.RunAsync(core, epoch).ConfigureAwait(false);
        stop.ThrowIfCancellationRequested();

        core.SetState(NatsConnectionState.Reconnecting);
        core.Log.Disconnected(session.Server.ToString(), reason.Message);
        core.Owner.RaiseDisconnected(new NatsEventArgs(session.Server.ToString(), epoch, reason.Message));
        if (reason.Error == NatsError.Authentication)
            session.Server.LastAuthError = reason.Message;
        // A connection that ends as soon as it is made counts as a failed round: else it would be made without a pause.
        if (core.Opts.TimeProvider.GetElapsedTime(started) >= core.Opts.ReconnectWaitMin)
            _failedRounds = 0;
        else
            _failedRounds++;
    }

    private async Task BackOffAsync()
    {
        if (!_firstRound.Task.IsCompleted)
            return;
        var opts = core.Opts;
        var wait = _failedRounds == 0
            ? TimeSpan.Zero
            : opts.ReconnectWaitMin * Math.Pow(2, Math.Min(_failedRounds - 1, 20));
        wait = wait < opts.ReconnectWaitMax ? wait : opts.ReconnectWaitMax;
        var jitter = opts.ReconnectJitter * core.Random.NextDouble();
        await Task.Delay(wait + jitter, opts.TimeProvider, stop).ConfigureAwait(false);
    }

    private bool MayGoOn(NatsException error)
    {
        if (!_firstRound.Task.IsCompleted && !core.Opts.RetryOnInitialConnect)
        {
            core.SetState(NatsConnectionState.Closed);
            _firstRound.TrySetException(
                new NatsException(error.Error, $"No server could be connected to: {error.Message}", error));
            return false;
        }

        core.SetState(NatsConnectionState.Reconnecting);
        _firstRound.TrySetResult();
        if (core.Opts.MaxReconnectRounds < 0 || _failedRounds < core.Opts.MaxReconnectRounds)
            return true;
        GiveUp(error);
        return false;
    }

    // The same refusal twice: trying on would only lock the account.
    private bool IsRefusedAgain(ServerAddress server, NatsException error)
    {
        if (error.Error != NatsError.Authentication)
            return false;
        var again = core.Opts.StopOnRepeatedAuthError && server.LastAuthError == error.Message;
        server.LastAuthError = error.Message;
        return again;
    }

    private Session? GiveUp(NatsException reason)
    {
        core.Log.GaveUp(reason.Message);
        core.Close(NatsConnectionState.Failed, reason);
        _firstRound.TrySetException(reason);
        return null;
    }
}

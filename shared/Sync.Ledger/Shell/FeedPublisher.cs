using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Carries out what a <see cref="PublisherCore"/> decides, off the acknowledgement path.</summary>
/// <remarks>One loop hands over envelopes and beats, in order. The core is guarded by a lock because the owner's loop
/// gives it facts directly: an inbox between the two would be a second buffer to bound. The lock is never held across
/// an await.</remarks>
internal sealed class FeedPublisher : IDisposable
{
    /// <summary>Pauses double up to the third: 200 ms with the defaults.</summary>
    private const int PausesThatGrow = 3;

    private static readonly TimeSpan WaitMax = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly NodeParts _parts;
    private readonly PublisherCore _core;
    private readonly FeedId _feed;
    private readonly LoopSignal _signal = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private Task _loop = Task.CompletedTask;
    private Task _flush = Task.CompletedTask;
    private Task _read = Task.CompletedTask;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isDraining;
    private int _failures;
    private TimeSpan _wakeAt;
    private volatile bool _isTimerSet;

    public FeedPublisher(NodeParts parts, FeedState state)
    {
        _parts = parts;
        _feed = state.Lease.Feed;
        _core = new PublisherCore(state, parts.Store.Info.History, parts.Options, parts.Faults);
        _timer = parts.Clock.Provider.CreateTimer(
            static publisher => ((FeedPublisher)publisher!).TimerFired(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    public Position ToSave
    {
        get { lock (_gate) return _core.ToSave; }
    }

    public (Position Committed, Position Handed, Position Confirmed) Marks
    {
        get { lock (_gate) return (_core.Committed, _core.Handed, _core.Confirmed); }
    }

    public void Start() => _loop = Task.Run(RunAsync);

    public void Append(IReadOnlyList<Fact> facts)
    {
        lock (_gate) _core.Append(facts);
        _signal.Set();
    }

    public void TakenOver(FeedState state)
    {
        lock (_gate) _core.TakenOver(state);
        _signal.Set();
    }

    /// <summary>Stops, when everything is confirmed or the time is over.</summary>
    public async Task StopAsync(TimeSpan drain)
    {
        lock (_gate)
        {
            _isDraining = true;
            TellDrained();
        }
        if (drain > TimeSpan.Zero)
        {
            var timeout = Task.Delay(drain, _parts.Clock.Provider, _stop.Token);
            await Task.WhenAny(_drained.Task, timeout).ConfigureAwait(false);
        }
        await _stop.CancelAsync().ConfigureAwait(false);
        _signal.Set();
        // The loop first: it begins flushes and reads until it has ended.
        await _loop.ConfigureAwait(false);
        await Task.WhenAll(_flush, _read).ConfigureAwait(false);
    }

    public void Dispose()
    {
        _timer.Dispose();
        _stop.Dispose();
    }

    // Under the gate. Only once draining: before that the end of what is committed is passed all the time.
    private void TellDrained()
    {
        if (_isDraining && _core.Confirmed == _core.Committed) _drained.TrySetResult();
    }

    private async Task RunAsync()
    {
        var connection = _parts.Transport.ConnectionEpoch;
        while (!_stop.IsCancellationRequested)
        {
            // Looked at before each step: what is handed over after a change belongs to another connection.
            var current = _parts.Transport.ConnectionEpoch;
            if (current != connection)
            {
                Restart();
                connection = current;
                // A message that is refused again and again must not be sent again and again without a pause.
                await PauseAsync().ConfigureAwait(false);
            }
            var step = default(PublishStep);
            try
            {
                lock (_gate) step = _core.Next(_parts.Clock.Steady, _parts.Clock.Wall);
                await CarryOutAsync(step, connection).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (SyncException exception) when (IsForGood(exception, step))
            {
                // It can never be handed over; holding the feed back for it would hurt every other key.
                _parts.Logger.EnvelopeRefused(_feed, step.Fact!.Key, step.Fact.Position, exception);
            }
            catch (Exception exception)
            {
                _parts.Logger.PublishFailed(_feed, Marks.Confirmed, exception);
                Restart();
                await PauseAsync().ConfigureAwait(false);
            }
        }
    }

    private static bool IsForGood(SyncException exception, PublishStep step) =>
        step.Kind == PublishKind.Envelope && exception is { Code: SyncErrorCode.Invalid, IsTransient: false };

    private async ValueTask CarryOutAsync(PublishStep step, long connection)
    {
        switch (step.Kind)
        {
            case PublishKind.Envelope:
                await PublishAsync(step.Fact!).ConfigureAwait(false);
                break;
            case PublishKind.Beat:
                await _parts.Transport.PublishBeatAsync(step.Beat!, _stop.Token).ConfigureAwait(false);
                _parts.Metrics.Beat();
                break;
            case PublishKind.Flush:
                _flush = FlushAsync(step.Token, connection);
                break;
            case PublishKind.Read:
                _read = ReadAsync(step);
                break;
            default:
                await WaitAsync(step.WakeAt).ConfigureAwait(false);
                break;
        }
    }

    private async ValueTask PublishAsync(Fact fact)
    {
        var history = _parts.Store.Info.History;
        using var span = LedgerTraces.Publish(fact, history);
        var envelope = fact.ToEnvelope(history, span?.Id);
        await _parts.Transport.PublishAsync(envelope.Key, envelope, _stop.Token).ConfigureAwait(false);
        _parts.Metrics.Published();
    }

    // It may fire a little early by the steady clock: what tells that it must be set again is that it fired.
    private void TimerFired()
    {
        _isTimerSet = false;
        _signal.Set();
    }

    private async Task WaitAsync(TimeSpan wakeAt)
    {
        // A timer that is set to an earlier time stays: it finds nothing due and is set anew. So a run of writes does not set
        // it, and wake the timers' thread, for each of them.
        var now = _parts.Clock.Steady;
        if (!_isTimerSet || _wakeAt > wakeAt)
        {
            _isTimerSet = true;
            var due = wakeAt - now;
            due = due < TimeSpan.Zero ? TimeSpan.Zero : due < WaitMax ? due : WaitMax;
            _wakeAt = now + due;
            _timer.Change(due, Timeout.InfiniteTimeSpan);
        }
        await _signal.WaitAsync().ConfigureAwait(false);
    }

    private async Task FlushAsync(long token, long connection)
    {
        var isConfirmed = false;
        try
        {
            await _parts.Transport.FlushAsync(_stop.Token).ConfigureAwait(false);
            isConfirmed = _parts.Transport.ConnectionEpoch == connection;
            _failures = 0;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            _parts.Logger.PublishFailed(_feed, Marks.Confirmed, exception);
            await PauseAsync().ConfigureAwait(false);
        }
        if (!isConfirmed) _parts.Metrics.PublishRestarted();
        lock (_gate)
        {
            _core.FlushReturned(token, isConfirmed);
            TellDrained();
        }
        _signal.Set();
    }

    private async Task ReadAsync(PublishStep step)
    {
        IReadOnlyList<Fact> facts = [];
        try
        {
            var (factsMax, bytesMax) = (_parts.Options.PublishReadFactsMax, _parts.Options.GroupBytesMax);
            var page = await _parts.Store.ReadFeedAsync(_feed, step.After, factsMax, bytesMax, _stop.Token)
                .ConfigureAwait(false);
            facts = page.Facts;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            _parts.Logger.PublishFailed(_feed, Marks.Confirmed, exception);
            await PauseAsync().ConfigureAwait(false);
        }
        lock (_gate) _core.ReadReturned(step.Token, facts);
        _signal.Set();
    }

    private void Restart()
    {
        _parts.Metrics.PublishRestarted();
        lock (_gate) _core.Restart();
    }

    // Without a connection a try costs next to nothing, so the pause stays short: who waits long publishes late when it is back.
    private async Task PauseAsync()
    {
        try
        {
            _failures = Math.Min(_failures + 1, PausesThatGrow);
            await Task.Delay(_parts.RetryDelay(_failures), _parts.Clock.Provider, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
        }
    }
}

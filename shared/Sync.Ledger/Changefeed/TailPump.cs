using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>Keeps the tails of followed feeds up to date that this process does not commit to: reads on when a beat says
/// that there is more, and at a slow poll in case beats are lost. One read at a time and feed, none without
/// readers.</summary>
internal sealed class TailPump(
    FeedTail[] tails, HistoryId history, ITransport? transport, Func<FeedTail, Task> readAsync,
    ChangefeedOptions options, TimeProvider time, ILogger logger) : IBeatHandler, IAsyncDisposable
{
    private readonly LoopSignal _signal = new();
    private readonly CancellationTokenSource _stop = new();
    private volatile bool _isPollDue;
    private Task _loop = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;

    public void Start()
    {
        _loop = Task.Run(RunAsync);
        if (transport is not null) _listening = Task.Run(() => ListenAsync(transport));
    }

    public void Wake() => _signal.Set();

    public void PollNow()
    {
        _isPollDue = true;
        _signal.Set();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _signal.Set();
        await _loop.ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        _stop.Dispose();
    }

    public void Receive(Beat beat)
    {
        // Another history is another ledger's beat, or one of before a restore.
        if (beat.History != history || beat.Feed.Value < 0 || beat.Feed.Value >= tails.Length) return;
        if (tails[beat.Feed.Value].Hint(beat.Position)) _signal.Set();
    }

    public void Disrupted(Disruption disruption) => PollNow();

    private async Task RunAsync()
    {
        using var timer = time.CreateTimer(_ => PollNow(), null, options.PollEvery, options.PollEvery);
        while (true)
        {
            await _signal.WaitAsync().ConfigureAwait(false);
            if (_stop.IsCancellationRequested) return;
            var isPoll = _isPollDue;
            _isPollDue = false;
            await Task.WhenAll(tails.Where(tail => tail.IsReadDue(isPoll)).Select(ReadAsync)).ConfigureAwait(false);
        }
    }

    private async Task ReadAsync(FeedTail tail)
    {
        try
        {
            await readAsync(tail).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            // The next poll or beat tries again; readers wait meanwhile, they miss nothing.
            logger.TailReadFailed(tail.Feed, exception);
        }
    }

    private async Task ListenAsync(ITransport bus)
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                try
                {
                    var subscription = await bus.SubscribeBeatsAsync(this, _stop.Token).ConfigureAwait(false);
                    await using (subscription.ConfigureAwait(false))
                        await Task.Delay(Timeout.InfiniteTimeSpan, time, _stop.Token).ConfigureAwait(false);
                }
                catch (SyncException exception)
                {
                    logger.BeatsNotHeard(exception);
                    await Task.Delay(options.PollEvery, time, _stop.Token).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }
}

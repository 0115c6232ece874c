using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>Spreads writes over lanes by key and bounds how many there are. Safe from any thread.</summary>
internal sealed class WriteLanes : IAsyncDisposable
{
    private readonly WriteLane[] _lanes;
    private readonly Task[] _loops;
    private readonly CancellationTokenSource _stop = new();
    private readonly SyncClientOptions _options;
    private readonly TimeProvider _time;
    private int _queued;
    private bool _disposed;

    public WriteLanes(IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger)
    {
        (_options, _time) = (options, time);
        _lanes = [.. Enumerable.Range(0, options.Lanes).Select(_ => new WriteLane(sender, options, time, jitter, logger))];
        _loops = [.. _lanes.Select(lane => Task.Run(() => lane.RunAsync(_stop.Token)))];
    }

    /// <summary>Writes that wait or are under way.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Takes a write in before it returns, so the order of calls is the order of the lane. Cancelling ends the wait only:
    /// a write that was sent may be committed.</summary>
    public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        if (Interlocked.Increment(ref _queued) > _options.QueuedWritesMax)
        {
            Interlocked.Decrement(ref _queued);
            return Task.FromResult<WriteResult>(new WriteResult.Refused(new Refusal(
                RefusalCode.Overloaded, $"{_options.QueuedWritesMax} writes wait or are under way; await some of them first")));
        }
        var timeout = (long)(_options.WriteTimeout.TotalSeconds * _time.TimestampFrequency);
        var write = new PendingWrite(command, _time.GetTimestamp() + timeout);
        // The place is the write's, not the caller's: it is free when the lane has let go of the write.
        _ = write.Result.ContinueWith(
            (_, lanes) => Interlocked.Decrement(ref ((WriteLanes)lanes!)._queued),
            this, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _lanes[Crc32.Of(command.Key) % (uint)_lanes.Length].Add(write);
        // A lane that stopped between the check above and here would never answer.
        if (_stop.IsCancellationRequested) write.GiveUp("the client stopped");
        return cancellation.CanBeCanceled ? write.Result.WaitAsync(cancellation) : write.Result;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true)) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}

using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>Spreads writes over lanes by key and bounds how many there are. Safe from any thread.</summary>
internal sealed class WriteLanes : IAsyncDisposable
{
    private readonly WriteLane[] _lanes;
    private readonly Task[] _loops;
    private readonly SemaphoreSlim _places;
    private readonly CancellationTokenSource _stop = new();
    private readonly SyncClientOptions _options;
    private readonly TimeProvider _time;
    private int _queued;
    private bool _disposed;

    public WriteLanes(IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger)
    {
        (_options, _time) = (options, time);
        _places = new SemaphoreSlim(options.QueuedWritesMax, options.QueuedWritesMax);
        _lanes = [.. Enumerable.Range(0, options.Lanes).Select(_ => new WriteLane(sender, options, time, jitter, logger))];
        _loops = [.. _lanes.Select(lane => Task.Run(() => lane.RunAsync(_stop.Token)))];
    }

    /// <summary>Writes that wait or are under way.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Waits for a place, then for the outcome. Cancelling ends the wait only: a write that was sent may be committed.</summary>
    public async Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        await _places.WaitAsync(cancellation).ConfigureAwait(false);
        Interlocked.Increment(ref _queued);
        var timeout = (long)(_options.WriteTimeout.TotalSeconds * _time.TimestampFrequency);
        var write = new PendingWrite(command, _time.GetTimestamp() + timeout);
        _lanes[Crc32.Of(command.Key) % (uint)_lanes.Length].Add(write);
        // A lane that stopped between the check above and here would never answer.
        if (_stop.IsCancellationRequested) write.GiveUp("the client stopped");
        try
        {
            return await write.Result.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            // The place is the write's, not the caller's: it is free when the lane has let go of the write.
            if (write.Result.IsCompleted) Leave();
            else _ = write.Result.ContinueWith(_ => Leave(), TaskScheduler.Default);
        }
    }

    private void Leave()
    {
        Interlocked.Decrement(ref _queued);
        _places.Release();
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true)) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_loops).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}

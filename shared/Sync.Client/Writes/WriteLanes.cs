using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>Spreads writes over lanes by key and bounds how many there are. Safe from any thread.</summary>
internal sealed class WriteLanes : IAsyncDisposable
{
    private readonly WriteLane[] _lanes;
    private readonly CancellationTokenSource _stop = new();
    private readonly SyncClientOptions _options;
    private readonly TimeProvider _time;
    private readonly Action<string> _ended;
    private int _queued;
    private bool _disposed;

    public WriteLanes(IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger)
    {
        (_options, _time, _ended) = (options, time, OnEnded);
        _lanes = [.. Enumerable.Range(0, options.Lanes).Select(_ => new WriteLane(sender, options, time, jitter, logger, _stop.Token))];
        // Lanes outlive whatever request made the client: its activity must not become the parent of every batch.
        foreach (var lane in _lanes)
            ThreadPool.UnsafeQueueUserWorkItem(static lane => lane.Start(), lane, preferLocal: false);
    }

    /// <summary>Writes that wait or are under way.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Takes a write in before it returns, so the order of calls is the order of the lane. Cancelling takes out a write
    /// that still waits; of one that was sent it ends the wait only: it may be committed.</summary>
    public Task<WriteResult> WriteAsync(WriteCommand command, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<WriteResult>(cancellation);
        if (Interlocked.Increment(ref _queued) > _options.QueuedWritesMax)
        {
            Interlocked.Decrement(ref _queued);
            return Task.FromResult<WriteResult>(new WriteResult.Refused(new Refusal(
                RefusalCode.Overloaded, $"{_options.QueuedWritesMax} writes wait or are under way; await some of them first")));
        }
        ClientTelemetry.Queued.Add(1);
        var timeout = (long)(_options.WriteTimeout.TotalSeconds * _time.TimestampFrequency);
        var write = new PendingWrite(command, _time.GetTimestamp() + timeout, _ended);
        var lane = _lanes[Crc32.Of(command.Key) % (uint)_lanes.Length];
        lane.Add(write);
        // A lane that stopped between the check above and here would never answer.
        if (_stop.IsCancellationRequested) write.GiveUp("the client stopped");
        return cancellation.CanBeCanceled ? WaitAsync(lane, write, cancellation) : write.Result;
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, true)) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_lanes.Select(lane => lane.EndAsync())).ConfigureAwait(false);
        _stop.Dispose();
    }

    private static async Task<WriteResult> WaitAsync(WriteLane lane, PendingWrite write, CancellationToken cancellation)
    {
        try
        {
            return await write.Result.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            lane.Withdraw(write);
            throw;
        }
    }

    private void OnEnded(string outcome)
    {
        Interlocked.Decrement(ref _queued);
        ClientTelemetry.Queued.Add(-1);
        ClientTelemetry.Writes.Add(1, new KeyValuePair<string, object?>(ClientTelemetry.Outcome, outcome));
    }
}

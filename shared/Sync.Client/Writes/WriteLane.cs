using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A queue of writes that keep their order per key, with one request under way. Whatever waits when a request
/// returns is the next one: no timer. When a write of a request fails for a passing reason, the writer commits no later
/// one of its key in that request, so what is repeated is never overtaken.
/// <para>Pauses: a write that got a passing refusal waits by itself, and with it all later ones of its key; a request that
/// ended no write at all pauses the lane. Both double from try to try.</para>
/// <para>Safety: <c>_waiting</c> is touched under <c>_gate</c> only; everything else belongs to the one loop. The number of
/// writes is bounded by <see cref="WriteLanes"/> before they come here.</para></summary>
internal sealed class WriteLane(
    IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingWrite> _waiting = new();
    private readonly HashSet<SyncedKey> _held = [];
    // One token is enough: the loop looks at everything that waits.
    private readonly Channel<bool> _arrived =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private int _failures;

    public void Add(PendingWrite write)
    {
        lock (_gate) _waiting.AddLast(write.Node);
        _arrived.Writer.TryWrite(true);
    }

    /// <summary>Takes a write out whose caller no longer waits. One that a request carries, or that may be committed, stays: a
    /// later write of its key must not overtake it.</summary>
    public void Withdraw(PendingWrite write)
    {
        lock (_gate)
        {
            if (write.Node.List is null || write.MayBeCommitted) return;
            _waiting.Remove(write.Node);
        }
        write.Withdraw();
    }

    /// <summary>Sends until cancelled; then everything that waits is given up.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var batch = new List<PendingWrite>();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (Take(batch, out var wake)) await SendAsync(batch, stop).ConfigureAwait(false);
                else await WaitAsync(wake, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                Log.LaneFailed(logger, error);
                foreach (var write in batch) write.MayBeCommitted = true;
                GiveUp(batch, "the client failed");
            }
        }
        GiveUp(batch, "the client stopped");
        lock (_gate)
        {
            GiveUp(_waiting, "the client stopped");
            _waiting.Clear();
        }
    }

    private async Task SendAsync(List<PendingWrite> batch, CancellationToken stop)
    {
        ClientTelemetry.BatchSize.Record(batch.Count);
        await sender.SendAsync(batch, stop).ConfigureAwait(false);
        if (Settle(batch))
        {
            _failures = 0;
            return;
        }
        _failures++;
        await Task.Delay(Pause(_failures, Share()), time, stop).ConfigureAwait(false);
    }

    // The oldest writes first, none before an earlier one of its key that pauses; what is over its deadline is answered here.
    // False when none may be sent now; then 'wake' says when the first may be, or is over its deadline.
    private bool Take(List<PendingWrite> batch, out long wake)
    {
        batch.Clear();
        _held.Clear();
        wake = long.MaxValue;
        var now = time.GetTimestamp();
        var bytes = 0L;
        lock (_gate)
        {
            for (var node = _waiting.First; node is not null && batch.Count < options.BatchWritesMax;)
            {
                var (write, next) = (node.Value, node.Next);
                if (now >= write.Deadline)
                {
                    _waiting.Remove(node);
                    write.GiveUp("the write timed out");
                }
                else if (write.NotBefore > now)
                {
                    _held.Add(write.Command.Key);
                    wake = Math.Min(wake, Math.Min(write.NotBefore, write.Deadline));
                }
                else if (!_held.Contains(write.Command.Key))
                {
                    bytes += write.Command.Value.Length;
                    if (batch.Count > 0 && bytes > options.BatchBytesMax) break;
                    _waiting.Remove(node);
                    batch.Add(write);
                }
                node = next;
            }
        }
        return batch.Count > 0;
    }

    // Until something arrives, or a write that pauses may be sent again.
    private async Task WaitAsync(long wake, CancellationToken stop)
    {
        if (wake == long.MaxValue)
        {
            await _arrived.Reader.ReadAsync(stop).ConfigureAwait(false);
            return;
        }
        var now = time.GetTimestamp();
        if (wake <= now) return;
        // Rounded up: a timer that fires a tick early would make the loop spin.
        var pause = time.GetElapsedTime(now, wake) + TimeSpan.FromMilliseconds(1);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var arrived = _arrived.Reader.WaitToReadAsync(end.Token).AsTask();
        await Task.WhenAny(arrived, Task.Delay(pause, time, end.Token)).ConfigureAwait(false);
        await end.CancelAsync().ConfigureAwait(false);
        _arrived.Reader.TryRead(out _);
        stop.ThrowIfCancellationRequested();
    }

    // What has no answer goes back to the front, in order. False when the whole request achieved nothing.
    private bool Settle(List<PendingWrite> batch)
    {
        var open = 0;
        var now = time.GetTimestamp();
        lock (_gate)
        {
            for (var index = batch.Count - 1; index >= 0; index--)
            {
                var write = batch[index];
                if (write.IsDone) continue;
                open++;
                write.Failures++;
                _waiting.AddFirst(write.Node);
            }
            // When nothing was achieved the lane pauses as a whole; a pause of each write on top would only add to it.
            // One draw for all of them: what failed together is sent together again.
            var share = Share();
            foreach (var write in batch)
                if (open < batch.Count && !write.IsDone) write.NotBefore = now + Ticks(Pause(write.Failures, share));
        }
        if (open > 0) ClientTelemetry.Retries.Add(open);
        var achieved = open < batch.Count;
        batch.Clear();
        return achieved;
    }

    private TimeSpan Pause(int failures, double share)
    {
        var longest = Math.Min(
            options.RetryDelayMax.TotalMilliseconds,
            options.RetryDelayMin.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 16)));
        return TimeSpan.FromMilliseconds(longest * share);
    }

    private double Share()
    {
        lock (jitter) return 0.5 + (jitter.NextDouble() / 2);
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * time.TimestampFrequency);

    private static void GiveUp(IEnumerable<PendingWrite> writes, string reason)
    {
        foreach (var write in writes) write.GiveUp(reason);
    }
}

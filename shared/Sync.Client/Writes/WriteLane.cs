using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A queue of writes that keep their order per key, with one request under way. Whatever waits when a request
/// returns is the next one: no timer. A request holds at most one write of a key, so a write that must be repeated can
/// never be overtaken by a later one of its key.
/// <para>Safety: callers touch only <c>_waiting</c>, under <c>_gate</c>; everything else belongs to the one loop. The number of
/// writes is bounded by <see cref="WriteLanes"/> before they come here.</para></summary>
internal sealed class WriteLane(
    IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingWrite> _waiting = new();
    private readonly HashSet<SyncedKey> _keysOfBatch = [];
    // One token is enough: the loop takes everything that waits.
    private readonly Channel<bool> _arrived =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Add(PendingWrite write)
    {
        bool wake;
        lock (_gate)
        {
            wake = _waiting.Count == 0;
            _waiting.AddLast(write);
        }
        if (wake) _arrived.Writer.TryWrite(true);
    }

    /// <summary>Sends until cancelled; then everything that waits is given up.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var batch = new List<PendingWrite>();
        var failures = 0;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                if (!Take(batch))
                {
                    await _arrived.Reader.ReadAsync(stop).ConfigureAwait(false);
                    continue;
                }
                await sender.SendAsync(batch, stop).ConfigureAwait(false);
                failures = Settle(batch) ? 0 : failures + 1;
                if (failures > 0) await PauseAsync(failures, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                break;
            }
            catch (Exception error)
            {
                Log.LaneFailed(logger, error);
                GiveUp(batch, "the client failed");
            }
        }
        GiveUp(batch, "the client stopped");
        lock (_gate)
        {
            foreach (var write in _waiting) write.GiveUp("the client stopped");
            _waiting.Clear();
        }
    }

    // The oldest writes first, at most one of each key; what is over its deadline is answered here.
    private bool Take(List<PendingWrite> batch)
    {
        batch.Clear();
        _keysOfBatch.Clear();
        var now = time.GetTimestamp();
        var bytes = 0L;
        lock (_gate)
        {
            for (var node = _waiting.First; node is not null && batch.Count < options.BatchWritesMax;)
            {
                var (write, next) = (node.Value, node.Next);
                if (write.Result.IsCompleted) _waiting.Remove(node);
                else if (now >= write.Deadline)
                {
                    _waiting.Remove(node);
                    write.GiveUp("the write timed out");
                }
                else if (_keysOfBatch.Add(write.Command.Key))
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

    // What has no answer goes back to the front, in order. False when the whole request achieved nothing.
    private bool Settle(List<PendingWrite> batch)
    {
        var answered = 0;
        lock (_gate)
        {
            for (var index = batch.Count - 1; index >= 0; index--)
            {
                if (batch[index].Result.IsCompleted) answered++;
                else _waiting.AddFirst(batch[index]);
            }
        }
        batch.Clear();
        return answered > 0;
    }

    private async Task PauseAsync(int failures, CancellationToken stop)
    {
        var longest = Math.Min(
            options.RetryDelayMax.TotalMilliseconds,
            options.RetryDelayMin.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 16)));
        double share;
        lock (jitter) share = 0.5 + (jitter.NextDouble() / 2);
        await Task.Delay(TimeSpan.FromMilliseconds(longest * share), time, stop).ConfigureAwait(false);
    }

    private static void GiveUp(List<PendingWrite> batch, string reason)
    {
        foreach (var write in batch)
        {
            write.MayBeCommitted = true;
            write.GiveUp(reason);
        }
        batch.Clear();
    }
}

using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Client.Writes;

/// <summary>A queue of writes that keep their order per key, with one request under way. Whatever waits when a request
/// returns is the next one: no timer. When a write of a request fails for a passing reason, the writer commits no later
/// one of its key in that request, so what is repeated is never overtaken.
/// <para>Pauses: a write that got a passing refusal waits by itself, and with it all later ones of its key; a request that
/// ended no write at all pauses the lane. Both double from try to try.</para>
/// <para>Threads: an idle lane has none. Whoever adds a write to it sends the request, and the thread that brings the
/// answer goes on with what has come meanwhile. Of the writes that ended, the last is told by that thread when the lane is
/// idle again, so that a lone write wakes no further thread; the caller's code may then do what it likes, even block. All
/// others are told by pool threads.</para>
/// <para>Safety: <c>_waiting</c>, <c>_isRunning</c> and <c>_wake</c> are touched under <c>_gate</c> only; everything else
/// belongs to the one that runs. The number of writes is bounded by <see cref="WriteLanes"/> before they come
/// here.</para></summary>
internal sealed class WriteLane(
    IBatchSender sender, SyncClientOptions options, TimeProvider time, Random jitter, ILogger logger, CancellationToken stop)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PendingWrite> _waiting = new();
    private readonly HashSet<SyncedKey> _held = [];
    private readonly List<PendingWrite> _batch = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    // Until Start has found a context to run in, what is added waits.
    private bool _isRunning = true;
    private ExecutionContext? _context;
    private ITimer? _wake;
    private int _failures;

    /// <summary>Called once, where no caller's context flows: what runs here belongs to no one caller's trace.</summary>
    public void Start()
    {
        _context = ExecutionContext.Capture();
        _ = SendAllAsync();
    }

    public void Add(PendingWrite write)
    {
        lock (_gate)
        {
            _waiting.AddLast(write.Node);
            if (_isRunning) return;
            _isRunning = true;
        }
        Run();
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

    /// <summary>After the stop: ends when everything that waited is given up.</summary>
    public Task EndAsync()
    {
        Wake();
        return _ended.Task;
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (_isRunning) return;
            _isRunning = true;
        }
        Run();
    }

    private void Run() => ExecutionContext.Run(_context!, static lane => _ = ((WriteLane)lane!).SendAllAsync(), this);

    // Sends until nothing may be sent now, or the client stops; then everything that waits is given up.
    private async Task SendAllAsync()
    {
        // The thread is the caller's until a request is under way: nobody else's code may run on it.
        var isBorrowed = true;
        PendingWrite? last = null;
        while (!stop.IsCancellationRequested)
        {
            if (!Take(out var isIdle))
            {
                if (!isIdle) break;
                if (isBorrowed) last?.TellLater();
                else last?.Tell();
                return;
            }
            last?.TellLater();
            var isAlone = _batch.Count == 1;
            last = _batch[^1];
            last.IsToldByLane = true;
            try
            {
                var sending = SendAsync();
                isBorrowed &= sending.IsCompleted;
                await sending.ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                GiveUp(_batch, "the client stopped");
            }
            catch (Exception error)
            {
                Log.LaneFailed(logger, error);
                foreach (var write in _batch) write.MayBeCommitted = true;
                GiveUp(_batch, "the client failed");
            }
            // Behind those who were told: what they write next goes with the next request, not with the one after it.
            if (!isAlone) await Task.Yield();
            if (last.IsDone) continue;
            last.IsToldByLane = false;
            last = null;
        }
        last?.TellLater();
        lock (_gate)
        {
            _wake?.Dispose();
            GiveUp(_waiting, "the client stopped");
            _waiting.Clear();
        }
        _ended.TrySetResult();
    }

    private async Task SendAsync()
    {
        ClientTelemetry.BatchSize.Record(_batch.Count);
        await sender.SendAsync(_batch, stop).ConfigureAwait(false);
        if (Settle(_batch))
        {
            _failures = 0;
            return;
        }
        _failures++;
        await Task.Delay(Pause(_failures, Share()), time, stop).ConfigureAwait(false);
    }

    // The oldest writes first, none before an earlier one of its key that pauses; what is over its deadline is answered here.
    // False when none may be sent now: then the lane is idle, until a write comes, or the first that pauses may be sent again
    // or is over its deadline.
    private bool Take(out bool isIdle)
    {
        isIdle = false;
        _batch.Clear();
        _held.Clear();
        var wake = long.MaxValue;
        var now = time.GetTimestamp();
        var bytes = 0L;
        lock (_gate)
        {
            for (var node = _waiting.First; node is not null && _batch.Count < options.BatchWritesMax;)
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
                    if (_batch.Count > 0 && bytes > options.BatchBytesMax) break;
                    _waiting.Remove(node);
                    _batch.Add(write);
                }
                node = next;
            }
            if (_batch.Count > 0) return true;
            // A stop that came before this found the lane running and left the end to it.
            if (stop.IsCancellationRequested) return false;
            (_isRunning, isIdle) = (false, true);
            if (wake != long.MaxValue) WakeAt(now, wake);
        }
        return false;
    }

    // Rounded up: a timer that fires a tick early would make the lane spin.
    private void WakeAt(long now, long wake)
    {
        var pause = time.GetElapsedTime(now, wake) + TimeSpan.FromMilliseconds(1);
        _wake?.Dispose();
        _wake = time.CreateTimer(static lane => ((WriteLane)lane!).Wake(), this, pause, Timeout.InfiniteTimeSpan);
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

using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Lobby.Insights;

/// <summary>Keeps the summaries of a group's auto-push derivations current.
/// <para>Why it is never wrong after a kill, at any moment: a summary carries the position that it is the fold of, and
/// both are one record, written by one conditional write. That position is the only durable mark of progress. A start
/// reads the heads of the feeds first, then lists what every shard's last change is and what every summary stands at,
/// and derives every shard whose summary is missing, behind, or of another version or history; from the heads on it
/// follows the changes. So a change is either below the heads, and then in the list, or behind them, and then followed.
/// What was only in memory (the queue, cursors of the feeds) may be lost with the process: the next start finds the
/// same shards behind.</para>
/// <para>Several runners may follow one group: no older summary replaces a newer
/// (<see cref="SummaryWrites"/>).</para></summary>
/// <remarks>One lock guards queue, cursors and waiters; nothing is awaited under it.</remarks>
public sealed partial class InsightRunner : IAsyncDisposable
{
    private readonly InsightGroup _group;
    private readonly IReadOnlyList<CrossVaultDerivation> _derivations;
    private readonly IChangefeed _changefeed;
    private readonly IDeriveQueue _queue;
    private readonly GroupScan _scan;
    private readonly GroupComparison _comparison;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly FollowCore _core;
    private readonly Dictionary<int, string> _troubles = [];
    private readonly List<Waiter> _waiters = [];
    private readonly ITimer _timer;
    private readonly InsightMetrics _metrics;
    private readonly Task _running;
    private TaskCompletionSource _signal = NewSignal();
    private readonly TaskCompletionSource _ended = NewSignal();
    private InsightCounts _counts = new();
    private int _underWay;
    private int _isDisposed;

    internal InsightRunner(InsightGroup group, IChangefeed changefeed, IDeriveQueue? queue, PlantedFaults faults)
    {
        (_group, _changefeed) = (group, changefeed);
        _queue = queue ?? new InProcessQueue(this);
        _derivations = [.. group.Derivations.Where(one => one.AutoPush)];
        _scan = new GroupScan(group, _derivations);
        _core = new FollowCore(_derivations, group.Options, faults);
        _comparison = new GroupComparison(_scan, _derivations, _core, _gate, faults);
        _timer = group.Time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _metrics = new InsightMetrics(group.Name, Status);
        _running = _derivations.Count == 0 ? Task.CompletedTask : Task.WhenAll(Task.Run(FollowAsync), Task.Run(DispatchAsync));
    }

    /// <summary>The group.</summary>
    public string Group => _group.Name;

    /// <summary>Where it stands now.</summary>
    public InsightStatus Status()
    {
        lock (_gate)
        {
            var (isIdle, queue) = (_derivations.Count == 0 || _core.IsSettled, _core.Queue);
            return new InsightStatus(
                isIdle, _core.Shards, queue.Pending, queue.Count(ShardState.Running), queue.DeadLetters.Count(),
                _counts with { Coalesced = queue.Coalesced, Retries = queue.Retries, Redelivered = queue.Redelivered },
                [.. _core.Cursors.OrderBy(cursor => cursor.Feed.Value)], _troubles.Values.FirstOrDefault());
        }
    }

    /// <summary>Shards that could not be derived, oldest first.</summary>
    /// <param name="most">Most entries.</param>
    public IReadOnlyList<DeadLetter> DeadLetters(int most)
    {
        lock (_gate) return [.. _core.Queue.DeadLetters.OrderBy(letter => letter.Since).Take(most)];
    }

    /// <summary>Tries dead letters again, now.</summary>
    /// <param name="vaults">Of these shard vaults; null = all.</param>
    /// <returns>How many.</returns>
    public int Replay(IReadOnlySet<string>? vaults = null)
    {
        int count;
        lock (_gate) count = _core.Queue.Replay(shard => vaults is null || vaults.Contains(shard.Vault));
        Wake();
        return count;
    }

    /// <summary>Carries one request out: derives the shard, writes its summaries, and says what became of it. Never
    /// throws for that; a request that is lost or comes twice does no harm.</summary>
    public async Task DeriveAsync(DeriveShard message, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(message);
        lock (_gate)
        {
            if (_stop.IsCancellationRequested) return;
            _underWay++;
        }
        try
        {
            await DeriveNowAsync(message, cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                if (--_underWay == 0 && _stop.IsCancellationRequested) _ended.TrySetResult();
        }
    }

    private async Task DeriveNowAsync(DeriveShard message, CancellationToken cancellation)
    {
        var derivations = _derivations.Where(one => one.SourceCollection == message.Collection).ToList();
        ShardOutcome outcome;
        try
        {
            using var late = new CancellationTokenSource(_group.Options.DeriveTimeout, _group.Time);
            using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation, late.Token, _stop.Token);
            outcome = await _group.Deriver.DeriveAsync(message.Vault, message.Collection, derivations, null, end.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            if (_stop.IsCancellationRequested) return;
            var detail = $"not derived within {_group.Options.DeriveTimeout}";
            outcome = new ShardOutcome(null, 0, [.. derivations.Select(one => new DerivationFailure(one.Name, "error", detail, true))]);
        }
        Settle(message, outcome);
    }

    /// <summary>Stops; what is under way is given up, and the next start finds it.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        Wake();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
            if (_underWay == 0) _ended.TrySetResult();
        await _ended.Task.ConfigureAwait(false);
        await _timer.DisposeAsync().ConfigureAwait(false);
        _metrics.Dispose();
        lock (_gate)
        {
            foreach (var waiter in _waiters) waiter.Done.TrySetException(Stopped());
            _waiters.Clear();
        }
        _stop.Dispose();
    }

    internal async Task<int> WhenSettledAsync(CancellationToken cancellation)
    {
        if (_derivations.Count == 0) return 0;
        ObjectDisposedException.ThrowIf(_stop.IsCancellationRequested, this);
        var waiter = new Waiter(await _scan.LastAsync(cancellation).ConfigureAwait(false));
        lock (_gate)
        {
            _waiters.Add(waiter);
            Check();
        }
        try
        {
            return await waiter.Done.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate) _waiters.Remove(waiter);
        }
    }

    private void Settle(DeriveShard message, ShardOutcome outcome)
    {
        var now = Now();
        foreach (var failure in outcome.Failures)
            LobbyLog.DerivationFailed(_group.Log, message.Vault, failure.Derivation, failure.Detail);
        lock (_gate)
        {
            _counts = _counts with
            {
                Derived = _counts.Derived + 1,
                Written = _counts.Written + outcome.Written,
                Failed = _counts.Failed + outcome.Failures.Count,
            };
            if (outcome is { Failures.Count: 0, At: { } stands }) _core.Queue.Succeeded(message, stands, now);
            else _core.Queue.Failed(message, outcome.Failures, now);
            Check();
        }
        Wake();
    }

    private async Task DispatchAsync()
    {
        while (true)
        {
            Task signal;
            DeriveShard? message;
            lock (_gate)
            {
                if (_signal.Task.IsCompleted) _signal = NewSignal();
                // Looked at only behind the new signal: a stop after this look sets that one.
                if (_stop.IsCancellationRequested) return;
                signal = _signal.Task;
                message = _core.Queue.TryStart(Now(), out var next) ? next : null;
                if (message is null && _core.Queue.NextDue is { } due) _timer.Change(Until(due), Timeout.InfiniteTimeSpan);
            }
            if (message is null) await signal.ConfigureAwait(false);
            else await SendAsync(message).ConfigureAwait(false);
        }
    }

    private async Task SendAsync(DeriveShard message)
    {
        try
        {
            await _queue.SendAsync(message, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception error)
        {
            Settle(message, new ShardOutcome(null, 0, [new DerivationFailure("*", "error", "not handed over: " + error.Message, true, error)]));
        }
    }

    // Under the lock: a waiter's changes are all in summaries or dead letters.
    private void Check()
    {
        foreach (var waiter in _waiters)
            if (_core.IsSettledAt(waiter.Last)) waiter.Done.TrySetResult(_core.Queue.DeadLetters.Count());
    }

    private void Wake()
    {
        lock (_gate) _signal.TrySetResult();
    }

    private Timestamp Now() => Timestamp.From(_group.Time.GetUtcNow());

    private TimeSpan Until(Timestamp due)
    {
        var left = due.ToDateTimeOffset() - _group.Time.GetUtcNow();
        return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
    }

    private static SyncException Stopped() => new(SyncErrorCode.Stopped, "the runner is stopped", true);

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed class Waiter(IReadOnlyList<FeedPosition> last)
    {
        public IReadOnlyList<FeedPosition> Last => last;

        public TaskCompletionSource<int> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // As many as are handed out run; the core bounds them.
    private sealed class InProcessQueue(InsightRunner runner) : IDeriveQueue
    {
        public Task SendAsync(DeriveShard message, CancellationToken cancellation)
        {
            _ = Task.Run(() => runner.DeriveAsync(message, CancellationToken.None), CancellationToken.None);
            return Task.CompletedTask;
        }
    }
}

using Sync.Contracts;
using Sync.Lobby.Insights;

namespace Sync.Simulation.Insights;

/// <summary>A process that keeps summaries: the production cores, reads and writes, driven as the runner drives them: the
/// same calls in the same order, with anything in between.</summary>
internal sealed class InsightHost
{
    private readonly InsightWorld _world;
    private readonly Lock _gate = new();
    private readonly GroupComparison _comparison;
    private readonly ShardDeriver _deriver;
    private readonly Dictionary<FeedId, FeedPosition> _streams = [];
    private readonly List<(CancellationTokenSource Cancel, TimeSpan Due)> _deadlines = [];
    private readonly List<DeriveShard> _messages = [];
    private readonly CancellationTokenSource _dead = new();
    private bool _isComparing;

    public InsightHost(InsightWorld world, int number)
    {
        (_world, Number) = (world, number);
        Calls = new InsightCalls(world.Ledger);
        IReadOnlyList<CrossVaultDerivation> derivations = [InsightSums.Derivation];
        var options = world.Plan.Options;
        var group = new InsightGroup(InsightPlan.Group, Calls, Calls, options, world.Clock);
        Core = new FollowCore(derivations, options, world.Faults);
        _comparison = new GroupComparison(new GroupScan(group, derivations), derivations, Core, _gate, world.Faults);
        _deriver = new ShardDeriver(Calls, Calls, options, world.Clock, world.Faults);
    }

    public int Number { get; }

    public FollowCore Core { get; }

    public InsightCalls Calls { get; }

    /// <summary>Derivations whose records are read and whose summary is not written.</summary>
    public int BetweenDeriveAndWrite => Calls.Pending.Count(call => call.Name is "get" or "write" && !call.IsDone);

    /// <summary>Nothing is left that would happen by itself: a dead letter for a passing reason is tried on.</summary>
    public bool IsAtRest => Core.IsSettled && Core.Queue.Count(ShardState.Parked) == 0 && _messages.Count == 0
        && Calls.Pending.Count == 0 && _streams.Count == InsightLedger.FeedCount && _streams.Values.All(
            at => at.History == _world.Ledger.History && at.Position == _world.Ledger.Head(at.Feed));

    /// <summary>One of the things that it does by itself.</summary>
    public void Step()
    {
        EndLate();
        if (_streams.Count == 0 && !_isComparing) Run(CompareAsync());
        else if (_streams.Count > 0 && _world.Random.Chance(50)) Follow(_world.Random.Pick(_streams.Keys.ToList()));
        else if (_messages.Count > 0 && _world.Random.Chance(60)) Deliver();
        else Dispatch();
    }

    /// <summary>The process is gone; what it sent may still arrive.</summary>
    public void Die()
    {
        _world.Trace("die", Number, Calls.Pending.Count);
        _dead.Cancel();
        _streams.Clear();
    }

    private void Follow(FeedId feed)
    {
        var cursor = _streams[feed];
        // A stream that was cut goes on from its cursor: nothing to do but to lose a turn.
        if (_world.Strikes(InsightFaultKinds.StreamCut)) return;
        if (cursor.History != _world.Ledger.History || cursor.Position > _world.Ledger.Head(feed))
        {
            _world.Coverage.Add("insight: everything compared anew after a reset");
            _streams.Clear();
            return;
        }
        var next = _world.Ledger.Of(feed).Skip((int)cursor.Position.Value)
            .FirstOrDefault(fact => Names.GroupOf(fact.Key.Vault) == InsightPlan.Group);
        FeedEvent item = next is null
            ? new FeedEvent.Reached(cursor with { Position = _world.Ledger.Head(feed) })
            : new FeedEvent.Change(next);
        _streams[feed] = item.At;
        Core.Take(item);
    }

    private void Dispatch()
    {
        if (!Core.Queue.TryStart(_world.Now, out var message)) return;
        if (_world.Strikes(InsightFaultKinds.MessageLost)) _world.Coverage.Add("insight: request lost");
        else _messages.Add(message);
        if (!_world.Strikes(InsightFaultKinds.MessageDoubled)) return;
        _world.Coverage.Add("insight: request doubled");
        _messages.Add(message);
    }

    private void Deliver()
    {
        var message = _world.Random.Pick(_messages);
        _messages.Remove(message);
        Run(DeriveAsync(message));
    }

    private async Task CompareAsync()
    {
        _isComparing = true;
        try
        {
            var start = await _comparison.RunAsync(static () => { }, _dead.Token).ConfigureAwait(false);
            foreach (var cursor in start) _streams[cursor.Feed] = cursor;
            _world.Coverage.Add("insight: shards compared with summaries");
        }
        catch (SyncException)
        {
            _world.Coverage.Add("insight: comparison failed");
        }
        finally
        {
            _isComparing = false;
        }
    }

    private async Task DeriveAsync(DeriveShard message)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(_dead.Token);
        var deadline = (late, _world.Elapsed + _world.Plan.Options.DeriveTimeout);
        _deadlines.Add(deadline);
        ShardOutcome outcome;
        try
        {
            outcome = await _deriver.DeriveAsync(
                message.Vault, message.Collection, [InsightSums.Derivation], null, late.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!_dead.IsCancellationRequested)
        {
            _world.Coverage.Add("insight: derivation late");
            outcome = new(null, 0, [new DerivationFailure(InsightSums.Derivation.Name, "error", "late", true)]);
        }
        finally
        {
            _deadlines.Remove(deadline);
        }
        if (_dead.IsCancellationRequested) return;
        _world.Trace("derived", Number, outcome.Written, outcome.At?.Position.Value ?? -1);
        if (outcome is { Failures.Count: 0, At: { } stands }) Core.Queue.Succeeded(message, stands, _world.Now);
        else Core.Queue.Failed(message, outcome.Failures, _world.Now);
    }

    private void EndLate()
    {
        foreach (var (cancel, due) in _deadlines.ToList())
            if (due <= _world.Elapsed) cancel.Cancel();
    }

    // What a step begins goes on in later ones; what it throws is the history's failure.
    private void Run(Task task) => _ = task.ContinueWith(
        ended =>
        {
            if (ended.Exception is { } error) _world.Failed ??= error.InnerException;
        },
        CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}

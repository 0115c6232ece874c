using Sync.Contracts;
using Sync.Lobby.Insights;

namespace Sync.Simulation.Insights;

/// <summary>Hosts that keep the summaries of a group current over a ledger that others write to. Each step one call goes a
/// stage further, a host does one thing, or something goes wrong; at the end all is well, and every summary must be
/// current.</summary>
internal sealed class InsightWorld
{
    private const int SettleRounds = 20_000;
    private const int LinesMax = 80;
    private readonly List<InsightHost> _hosts = [];
    private readonly List<InsightCall> _orphans = [];
    private readonly Queue<string> _last = new();
    private readonly StepClock _clock = new();
    private bool _isQuiet;
    private long _values;

    public InsightWorld(InsightPlan plan, PlantedFaults faults, Coverage coverage)
    {
        // A cursor that is kept apart outlives its process.
        Faults = faults.CursorsApart is null ? faults : faults with { CursorsApart = new Dictionary<FeedId, FeedPosition>() };
        (Plan, Coverage) = (plan, coverage);
        Random = new SimRandom(plan.Seed ^ 0x1516);
        Ledger = new InsightLedger(this);
        for (var number = 0; number < plan.Hosts; number++) _hosts.Add(new InsightHost(this, number));
    }

    public InsightPlan Plan { get; }
    public PlantedFaults Faults { get; }
    public Coverage Coverage { get; }
    public SimRandom Random { get; }
    public InsightLedger Ledger { get; }
    public TimeProvider Clock => _clock;
    public TimeSpan Elapsed => _clock.Elapsed;
    public Timestamp Now => Timestamp.From(_clock.GetUtcNow());
    public int Step { get; private set; }
    public ulong Hash { get; private set; } = 14695981039346656037;
    public string Tail => string.Join('\n', _last);

    /// <summary>What escaped from something that a host had begun.</summary>
    public Exception? Failed { get; set; }

    public bool Strikes(InsightFaultKinds kind) => !_isQuiet && Plan.Has(kind) && Random.Chance(Plan.Intensity);

    public void Trace(string what, long a = 0, long b = 0, long c = 0)
    {
        foreach (var unit in what) Mix(unit);
        Mix((ulong)a);
        Mix((ulong)b);
        Mix((ulong)c);
        _last.Enqueue(FormattableString.Invariant($"  step {Step,4}  {what} {a} {b} {c}"));
        if (_last.Count > LinesMax) _last.Dequeue();
    }

    public void Run()
    {
        for (; Step < Plan.Steps; Step++)
        {
            Fault();
            Act();
        }
        Settle();
        CheckAtRest();
        foreach (var host in _hosts) Count(host);
    }

    /// <summary>A summary is committed: it must be what a recompute from scratch gives (R7).</summary>
    public void Written(ReadOnlyMemory<byte> value, Envelope? before)
    {
        var summary = InsightSummary.TryRead(value)!;
        var (vault, at) = (summary.Provenance.Vault, summary.Provenance.At);
        Trace("summary", vault[^1], at.Position.Value);
        var records = Ledger.Fold(vault, InsightSums.Source, at).ToList();
        Violation.Unless(!records.Exists(InsightSums.IsPoison)
            && summary.Summary.Span.SequenceEqual(InsightSums.Of(records)), InsightInvariants.Recompute,
            () => $"the summary of {vault} at {at} is not the fold of its {records.Count} records");
        var earlier = before is { IsTombstone: false } ? InsightSummary.TryRead(before.Value)!.Provenance.At : at;
        Violation.Unless(earlier.History != at.History || earlier.Position <= at.Position, InsightInvariants.Forward,
            () => $"the summary of {vault} at {at} replaces one at {earlier}");
        Coverage.Add("insight: summary written");
    }

    private void Act()
    {
        _clock.Elapsed += Random.Between(0, Strikes(InsightFaultKinds.Slow) ? 400 : 6);
        var (weights, drawn) = (Plan.Weights, Random.Below(Plan.Weights.Sum()));
        if (drawn < weights[0]) Load();
        else if (drawn < weights[0] + weights[1]) Answer();
        else Random.Pick(_hosts).Step();
        Check();
    }

    private void Load()
    {
        var key = new SyncedKey(
            FormattableString.Invariant($"{InsightPlan.Group}--{Random.Below(Plan.Shards)}"), InsightSums.Source,
            FormattableString.Invariant($"k{Random.Below(Plan.Keys)}"));
        if (Random.Chance(15) && Ledger.Get(key) is not null) Ledger.Add(key, ChangeOp.Delete, SimValue.Nil);
        else
        {
            var kind = Plan.Has(InsightFaultKinds.Poison) && Random.Chance(15) ? SimValue.Poison : SimValue.Good;
            Ledger.Add(key, ChangeOp.Put, SimValue.Of(kind, ++_values));
        }
        Trace("load", Ledger.Of(InsightLedger.FeedOf(key.Vault)).Count);
    }

    // A call goes one stage further: to the ledger, or its answer back.
    private void Answer()
    {
        var host = Random.Pick(_hosts);
        if (_orphans.Count > 0 && Random.Chance(20)) Arrive();
        if (host.Calls.Pending.Count == 0) return;
        var call = Random.Pick(host.Calls.Pending);
        if (!call.IsDone)
        {
            if (Strikes(InsightFaultKinds.CallFailed)) End(host, call, call.Fail);
            else if (call.Name == "write" && Strikes(InsightFaultKinds.UnknownWritten)) Lose(call, isDone: true);
            else if (call.Name == "write" && Strikes(InsightFaultKinds.UnknownNotWritten)) Lose(call, isDone: false);
            else call.Execute();
        }
        else End(host, call, call.Answer);
    }

    private void Lose(InsightCall call, bool isDone)
    {
        Coverage.Add(isDone ? "insight: unknown outcome, written" : "insight: unknown outcome, not written");
        call.Lose(isDone);
    }

    private static void End(InsightHost host, InsightCall call, Action end)
    {
        host.Calls.Pending.Remove(call);
        end();
    }

    // What a dead host had sent reaches the ledger after all, or never.
    private void Arrive()
    {
        var call = Random.Pick(_orphans);
        _orphans.Remove(call);
        if (Random.Chance(50)) return;
        Coverage.Add("insight: write of a dead host");
        call.Execute();
    }

    private void Fault()
    {
        if (Strikes(InsightFaultKinds.Crash) && Random.Chance(40)) Crash(Random.Below(_hosts.Count));
        if (Strikes(InsightFaultKinds.Restore) && Random.Chance(10)) Restore();
    }

    private void Crash(int number)
    {
        var host = _hosts[number];
        if (host.BetweenDeriveAndWrite > 0) Coverage.Add("insight: crash between derive and write");
        Coverage.Add("insight: crash");
        Count(host);
        _orphans.AddRange(host.Calls.Pending.Where(call => call.Name == "write" && !call.IsDone));
        host.Calls.Pending.Clear();
        host.Die();
        _hosts[number] = new InsightHost(this, number);
    }

    // A restore stops the writer first: whatever was on its way to it fails.
    private void Restore()
    {
        Coverage.Add("insight: restore");
        _orphans.Clear();
        foreach (var host in _hosts)
            foreach (var call in host.Calls.Pending.Where(call => !call.IsDone).ToList()) End(host, call, call.Fail);
        Ledger.Restore(Random.Below(4));
        Trace("restore", Ledger.History.Value);
    }

    // Nothing goes wrong any more and nobody writes: the hosts must come to rest.
    private void Settle()
    {
        _isQuiet = true;
        _orphans.Clear();
        for (var round = 0; !_hosts.TrueForAll(host => host.IsAtRest); round++)
        {
            Violation.Unless(round < SettleRounds, InsightInvariants.Settles,
                () => $"after {SettleRounds} rounds without a fault {_hosts.Count(host => !host.IsAtRest)} hosts are not at rest");
            _clock.Elapsed += TimeSpan.FromMilliseconds(2);
            foreach (var host in _hosts) host.Step();
            Answer();
            Answer();
            Check();
        }
    }

    private void CheckAtRest()
    {
        for (var shard = 0; shard < Plan.Shards; shard++)
        {
            var vault = FormattableString.Invariant($"{InsightPlan.Group}--{shard}");
            var (feed, last) = (InsightLedger.FeedOf(vault), Ledger.Last(vault, InsightSums.Source));
            if (last == Position.Start) continue;
            var summary = Ledger.Get(new SyncedKey(InsightSums.Vault, InsightSums.Target, vault[3..])) is { } record
                ? InsightSummary.TryRead(record.Value) : null;
            var isCurrent = summary is not null && summary.Provenance.At.History == Ledger.History
                && summary.Provenance.At.Feed == feed && summary.Provenance.At.Position >= last;
            var isDead = _hosts.Exists(host => host.Core.Queue.DeadLetters.Any(letter => letter.Shard.Vault == vault));
            var isPoisoned = Ledger.Fold(vault, InsightSums.Source, new(feed, Ledger.History, Ledger.Head(feed)))
                .Any(InsightSums.IsPoison);
            Violation.Unless(isPoisoned ? isDead : isCurrent, InsightInvariants.Current,
                () => $"the summary of {vault} stands at {summary?.Provenance.At}; its last change is {last}"
                    + $" of {Ledger.History}, poisoned: {isPoisoned}, a dead letter: {isDead}");
            Coverage.Add(isPoisoned ? "insight: dead letter at rest" : "insight: summary current at rest");
        }
    }

    private void Count(InsightHost host)
    {
        var queue = host.Core.Queue;
        Coverage.Add("insight: redelivered", queue.Redelivered);
        Coverage.Add("insight: retried", queue.Retries);
        Coverage.Add("insight: coalesced", queue.Coalesced);
        Coverage.Add("insight: dead letter", queue.DeadLetters.Count());
    }

    private void Check()
    {
        if (Failed is Violation violation) throw violation;
        if (Failed is { } error and not OperationCanceledException) throw new InvalidOperationException("a host failed", error);
    }

    private void Mix(ulong value) => Hash = (Hash ^ value) * 1099511628211;

    private sealed class StepClock : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

        public TimeSpan Elapsed { get; set; }

        public override DateTimeOffset GetUtcNow() => Start + Elapsed;
    }
}

using System.Globalization;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>One history around one production core: a writer that commits, the production publishers, one connection
/// that does what connections do, and answers that take their time. A step is one thing that happens; time passes
/// between.</summary>
internal sealed partial class CollectionWorld
{
    private const int SettleRoundsMax = 400;
    private static readonly SimSchema Schema = new();

    private readonly CollectionPlan _plan;
    private readonly SimRandom _random;
    private readonly CollectionTruth _truth;
    private readonly CollectionWriter _writer;
    private readonly CollectionCore<long> _core;
    private readonly CollectionReader _reader;
    private readonly CollectionEffects<long> _effects = new();
    private readonly List<Flight> _flights = [];
    private readonly List<Message> _wire = [];
    private readonly List<Message> _stragglers = [];
    private readonly PublisherCore[] _publishers;
    private readonly LedgerOptions _options;
    private readonly int _weightSum;
    private readonly int _listensAt, _confirmedAt;
    private TimeSpan _now;
    private int _step;
    private long _requests;
    private int _corrupt;

    public CollectionWorld(CollectionPlan plan, CollectionPlantedFaults faults, Coverage? coverage, List<string>? trace)
    {
        (_plan, Coverage, Trace) = (plan, coverage ?? new Coverage(), trace);
        _random = new SimRandom(plan.Seed ^ 0x5EED);
        _truth = new(plan);
        _writer = new(plan, _truth);
        _core = new(plan.Scope, Schema, plan.RulesOf(faults));
        _reader = new(plan, _truth, _core);
        _publishers = new PublisherCore[plan.Feeds];
        _options = new() { Owner = "w", PublishBufferFactsMax = 4, BeatQuiet = plan.BeatQuiet };
        for (var feed = 0; feed < plan.Feeds; feed++) TakeOver(feed, 0);
        foreach (var weight in plan.Weights) _weightSum += weight;
        _listensAt = _random.From(0, 4);
        _confirmedAt = _listensAt + _random.From(0, 2);
    }

    public Coverage Coverage { get; }

    public int Step => _step;

    /// <summary>What happened, for people; null while nobody reads it.</summary>
    public List<string>? Trace { get; }

    /// <summary>What the histories hang on, mixed: the same seed gives the same.</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    public void Run()
    {
        for (_step = 0; _step < _plan.Steps; _step++)
        {
            if (_step == _confirmedAt) Subscribe();
            if (_random.Chance(_plan.Intensity)) Fault();
            Act();
            Pass(_random.Below(60));
        }
        if (_step <= _confirmedAt) Subscribe();
        Settle();
        Cover();
    }

    private void Act()
    {
        var drawn = _random.Below(_weightSum);
        if ((drawn -= _plan.Weights[0]) < 0) Write();
        else if ((drawn -= _plan.Weights[1]) < 0) Publish(_random.Below(_plan.Feeds));
        else if ((drawn -= _plan.Weights[2]) < 0) Deliver();
        else Answer();
    }

    private void Pass(int milliseconds)
    {
        _now += TimeSpan.FromMilliseconds(milliseconds);
        if (_core.NextDue is not { } due || due > _now) return;
        _core.Advance(At(), _effects);
        Touched("time");
    }

    private CollectionMoment At() => new(_now, _random.Unit());

    private void Subscribe()
    {
        if (_effects.Requests.Count + _flights.Count > 0)
            throw new Violation(CollectionInvariants.Early, "a request was sent before the subscription was confirmed");
        _core.Subscribed(At(), _effects);
        Touched("subscribed");
    }

    private void Write()
    {
        var key = _random.Below(_plan.Keys.Length);
        var head = _truth.Now.Head(key);
        var isLive = head is not null && head.Fact.Op != ChangeOp.Delete;
        var op = isLive && _random.Chance(45) ? ChangeOp.Delete
            : head is null && _random.Chance(10) ? ChangeOp.Append : ChangeOp.Put;
        if (head is { Fact.Op: ChangeOp.Delete }) Coverage.Add("re-put after a delete");
        var isBad = _plan.Has(CollectionFaultKinds.BadValues) && _random.Chance(30);
        var version = _plan.Has(CollectionFaultKinds.OtherMajor) && _random.Chance(30) ? "2.0" : "1.0";
        var committed = _truth.Commit(key, op, isBad ? SimValue.Unparseable : SimValue.Good, version);
        _publishers[committed.Fact.Feed.Value].Append([committed.Fact]);
        Note(op == ChangeOp.Delete ? "delete" : "put", committed.Fact.Key, committed.Fact.Sequence.Value,
            committed.Fact.Position.Value);
    }

    private void Publish(int feed)
    {
        var publisher = _publishers[feed];
        var step = publisher.Next(_now, new(_step));
        switch (step.Kind)
        {
            case PublishKind.Envelope:
                _wire.Add(new(_truth.Now.Feeds[feed][(int)step.Fact!.Position.Value - 1].Envelope, null));
                break;
            case PublishKind.Beat:
                _wire.Add(new(null, step.Beat));
                break;
            case PublishKind.Flush:
                publisher.FlushReturned(step.Token, isConfirmed: true);
                break;
            case PublishKind.Read:
                var facts = _truth.Now.Feeds[feed];
                var read = new List<Fact>();
                for (var index = (int)step.After.Value; index < facts.Count && read.Count < 3; index++)
                    read.Add(facts[index].Fact);
                publisher.ReadReturned(step.Token, read);
                break;
        }
    }

    private void TakeOver(int feed, long published) => _publishers[feed] = new(
        new FeedState(new(new(feed), new(1), "w"), new(_truth.Now.Feeds[feed].Count), default, default, new(published)),
        _truth.History, _options);

    private void Deliver()
    {
        if (_stragglers.Count > 0 && _random.Chance(20))
        {
            Coverage.Add("straggler");
            Receive(TakeFrom(_stragglers, _random.Below(_stragglers.Count)));
            return;
        }
        if (_wire.Count == 0) return;
        var index = _plan.Has(CollectionFaultKinds.Reorder) ? Reordered() : 0;
        var message = TakeFrom(_wire, index);
        if (message.Beat is null ? _plan.Has(CollectionFaultKinds.Drop) && _random.Chance(25)
            : _plan.Has(CollectionFaultKinds.DropBeats) && _random.Chance(30))
        {
            Coverage.Add(message.Beat is null ? "envelope lost" : "beat lost");
            Note("lost", message.Key, message.Position);
            return;
        }
        if (_plan.Has(CollectionFaultKinds.Duplicate) && _random.Chance(15)) _stragglers.Add(message);
        Receive(message);
    }

    // Any message but one of a key, or a beat of a feed, that has an earlier one before it.
    private int Reordered()
    {
        var index = _random.Below(_wire.Count);
        for (var before = 0; before < index; before++)
            if (_wire[before].Key == _wire[index].Key && _wire[before].Feed == _wire[index].Feed) return before;
        return index;
    }

    private static Message TakeFrom(List<Message> messages, int index)
    {
        var message = messages[index];
        messages.RemoveAt(index);
        return message;
    }

    private void Receive(Message message)
    {
        if (_step < _listensAt) return;
        if (message.Envelope is { } envelope)
        {
            // The bus brings what the scope follows; the rest is another's.
            if (!_plan.Scope.Matches(envelope.Key)) return;
            _core.Receive(Carried(envelope), At(), _effects);
            _reader.Hear(envelope);
        }
        else
        {
            _core.Receive(message.Beat!, At(), _effects);
            _reader.Hear(message.Beat!);
        }
        Touched(message.What, message.Key, message.From, message.Position, message.History);
    }

    // A flipped bit on the way: only the writer has the value.
    private Envelope Carried(Envelope envelope)
    {
        if (envelope.IsTombstone || !_plan.Has(CollectionFaultKinds.Corrupt) || !_random.Chance(15)) return envelope;
        Coverage.Add("corrupt on the way");
        _corrupt++;
        return new()
        {
            Key = envelope.Key,
            Value = SimValue.Of(SimValue.Unparseable, 0),
            SchemaVersion = envelope.SchemaVersion,
            Sequence = envelope.Sequence,
            Feed = envelope.Feed,
            Position = envelope.Position,
            History = envelope.History,
            After = envelope.After,
        };
    }

    private void Touched(string what, SyncedKey key = default, long a = 0, long b = 0, long c = 0)
    {
        Note(what, key, a, b, c);
        foreach (var request in _effects.Requests)
        {
            _requests++;
            _flights.Add(new(request));
            Note("  asks", default, request.Id, (long)request.Kind, request.Changes.After.Value);
        }
        if (Trace is not null)
            foreach (var change in _effects.Changes)
                Note($"  {change.Kind}", change.Key, change.Sequence.Value, change.At.Position.Value);
        _reader.See(_effects);
        _effects.Clear();
    }

    private void Note(string what, SyncedKey key, long a = 0, long b = 0, long c = 0)
    {
        foreach (var part in (ReadOnlySpan<long>)[what.Length, a, b, c]) Hash = (Hash ^ (ulong)part) * 1099511628211;
        if (Trace is null) return;
        var fresh = _core.FreshnessOf(new FeedId(0)).At;
        Trace.Add(string.Create(CultureInfo.InvariantCulture,
            $"{_step,5} {_now.TotalMilliseconds,6:F0} ms  {what} {key} {a} {b} {c}  {_core.Status}, covered {fresh}"));
    }

    private readonly record struct Message(Envelope? Envelope, Beat? Beat)
    {
        public SyncedKey Key => Envelope?.Key ?? default;

        public int Feed => Envelope?.Feed.Value ?? Beat!.Feed.Value;

        public long Position => Envelope?.Position.Value ?? Beat!.Position.Value;

        public string What => Beat is null ? "envelope" : "beat";

        public long From => Beat?.Prev.Value ?? Envelope!.After.Value;

        public long History => Envelope?.History.Value ?? Beat!.History.Value;
    }
}

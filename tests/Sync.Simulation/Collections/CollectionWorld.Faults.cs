using System.Numerics;
using Sync.Contracts;
using Sync.Replication;

namespace Sync.Simulation.Collections;

/// <summary>Answers, what goes wrong, and the end, when nothing goes wrong any more.</summary>
internal sealed partial class CollectionWorld
{
    private const int QuietRounds = 12;

    private void Answer()
    {
        if (_flights.Count == 0) return;
        var flight = _flights[_random.Below(_flights.Count)];
        if (flight.Answer is null)
        {
            if (_plan.Has(CollectionFaultKinds.AnswerFailed) && !flight.IsTimedOut && _random.Chance(25)) Fail(flight);
            else
            {
                flight.Answer = _writer.Read(flight.Request);
                Note("read", default, flight.Request.Id, flight.IsTimedOut ? 1 : 0);
                // Often at once: else every answer would be an old one.
                if (!_random.Chance(_plan.Has(CollectionFaultKinds.AnswerLate) ? 70 : 20)) Arrive(flight);
            }
            return;
        }
        // Shown first, and something else may happen before it is applied.
        if (flight.Answer is SnapshotPage page && !flight.IsShown && _random.Chance(60))
        {
            Show(flight, page);
            return;
        }
        // The shell gave up, and the answer comes all the same.
        if (!flight.IsTimedOut && _plan.Has(CollectionFaultKinds.AnswerLate) && _random.Chance(20)) Fail(flight);
        else Arrive(flight);
    }

    private void Show(Flight flight, SnapshotPage page)
    {
        flight.IsShown = true;
        _core.ReadAhead(flight.Request.Id, page, _effects);
        if (_effects.Requests.Count > 0) Coverage.Add("read ahead");
        if (page.NextEnd is { } guess && _effects.Requests is [.., { Snapshot.After: var after }] && after == guess)
            Coverage.Add("read ahead behind a guess");
        Touched("shown", default, flight.Request.Id);
    }

    private void Fail(Flight flight)
    {
        Coverage.Add("request failed");
        flight.IsTimedOut = true;
        if (flight.Answer is null && _random.Chance(50)) _flights.Remove(flight);
        _core.Failed(flight.Request.Id, At(), _effects);
        Touched("failed", default, flight.Request.Id);
    }

    private void Arrive(Flight flight)
    {
        if (flight.IsTimedOut) Coverage.Add("late answer");
        if (_plan.Has(CollectionFaultKinds.AnswerRepeated) && _random.Chance(40)) Coverage.Add("repeated answer");
        else _flights.Remove(flight);
        var id = flight.Request.Id;
        switch (flight.Answer)
        {
            case SnapshotPage page:
                if (page.More) Coverage.Add("page of several");
                if (!flight.IsShown && _random.Chance(50)) Show(flight, page);
                if (!flight.IsShown) Coverage.Add("page not shown first");
                _core.Answered(id, page, At(), _effects);
                break;
            case ChangesPage page:
                if (page.Through < page.Position) Coverage.Add("changes page of several");
                if (page.Floor > flight.Request.Changes.After.Next) Coverage.Add("changes no longer kept");
                _core.Answered(id, page, At(), _effects);
                break;
            case EnvelopeAnswer answer:
                _core.Answered(id, answer, At(), _effects);
                break;
        }
        Touched("answered", default, id);
    }

    private void Fault()
    {
        var kinds = (uint)_plan.Kinds;
        if (kinds == 0) return;
        for (var skip = _random.Below(BitOperations.PopCount(kinds)); skip > 0; skip--) kinds &= kinds - 1;
        Cause((CollectionFaultKinds)(1 << BitOperations.TrailingZeroCount(kinds)));
    }

    private void Cause(CollectionFaultKinds kind)
    {
        var feed = _random.Below(_plan.Feeds);
        switch (kind)
        {
            case CollectionFaultKinds.Reconnect:
                Coverage.Add("reconnect");
                foreach (var message in _wire)
                    if (_random.Chance(50)) _stragglers.Add(message);
                _wire.Clear();
                Disrupt();
                break;
            case CollectionFaultKinds.Overflow:
                Coverage.Add("overflow");
                if (_wire.Count > 1) _wire.RemoveRange(0, _random.Below(_wire.Count));
                Disrupt();
                break;
            case CollectionFaultKinds.PublisherRestart:
                if (_publishers[feed].Handed > _publishers[feed].Confirmed)
                    Coverage.Add("publisher restart behind confirmed");
                _publishers[feed].Restart();
                break;
            case CollectionFaultKinds.TakeOver:
                Coverage.Add("take-over");
                TakeOver(feed, _publishers[feed].ToSave.Value);
                break;
            case CollectionFaultKinds.Reload:
                Coverage.Add("reload");
                _core.Reload(At(), _effects);
                Touched("reload");
                break;
            case CollectionFaultKinds.Restore:
                Restore();
                break;
            case CollectionFaultKinds.Retention:
                var facts = _truth.Now;
                facts.Floors[feed] = Math.Max(facts.Floors[feed], _random.From(1, facts.Feeds[feed].Count + 1));
                break;
            case CollectionFaultKinds.WrongKey:
                Misroute();
                break;
        }
    }

    private void Disrupt()
    {
        _core.Disrupted(At(), _effects);
        for (var feed = 0; feed < _plan.Feeds; feed++)
            _reader.Told(new(new(feed), _truth.History, new(_truth.Now.Feeds[feed].Count)));
        Touched("disrupted");
    }

    private void Restore()
    {
        Coverage.Add("restore");
        var before = _truth.History;
        _truth.Restore(_random);
        for (var feed = 0; feed < _plan.Feeds; feed++)
            TakeOver(feed, Math.Min(_truth.Now.Feeds[feed].Count, _publishers[feed].ToSave.Value));
        Note("restore", default, before.Value, _truth.Now.Feeds[0].Count);
    }

    // What the bus should not bring: another's key, a feed that is none of these.
    private void Misroute()
    {
        if (_truth.Now.Feeds[0].Count == 0 || _step < _listensAt) return;
        var envelope = _truth.Now.Feeds[0][^1].Envelope;
        _core.Receive(new Envelope
        {
            Key = _random.Chance(50) ? envelope.Key with { Vault = "h--x" } : envelope.Key,
            Value = envelope.Value,
            SchemaVersion = envelope.SchemaVersion,
            Sequence = new(999),
            Position = _random.Chance(50) ? Position.Start : envelope.Position,
            Feed = new(_plan.Feeds + 5),
            History = envelope.History,
        }, At(), _effects);
        Touched("misrouted");
    }

    // All faults are over: what is committed is published, what is on its way arrives, whoever asks is answered.
    private void Settle()
    {
        while (_stragglers.Count > 0) Receive(TakeFrom(_stragglers, _random.Below(_stragglers.Count)));
        foreach (var late in _flights.ToArray())
            if (late.IsTimedOut && late.Answer is not null) Arrive(late);
        _flights.RemoveAll(flight => flight.IsTimedOut);
        var isSettled = false;
        var quiet = 0;
        var requests = 0L;
        for (var round = 0; round < SettleRoundsMax && quiet < QuietRounds; round++)
        {
            for (var feed = 0; feed < _plan.Feeds; feed++)
                for (var turn = 0; turn < 4; turn++) Publish(feed);
            while (_wire.Count > 0) Receive(TakeFrom(_wire, 0));
            foreach (var flight in _flights.ToArray()) Finish(flight);
            Pass(100);
            _step++;
            isSettled = _flights.Count == 0 && IsSettled();
            if (!isSettled) quiet = 0;
            else if (quiet++ == 0) requests = _requests;
        }
        if (!isSettled) throw new Violation(CollectionInvariants.Current, Standing());
        if (_requests != requests)
            throw new Violation(CollectionInvariants.NoStorm, $"{_requests - requests} requests though it was current");
        _reader.CheckEnd(withDigest: _plan.Seed % 4 == 0);
        var refused = _truth.BadFacts + _corrupt;
        if (_core.Counters.Refetches > refused)
            throw new Violation(CollectionInvariants.NoStorm, $"{_core.Counters.Refetches} refetches of {refused} values");
    }

    private void Finish(Flight flight)
    {
        flight.Answer ??= _writer.Read(flight.Request);
        Arrive(flight);
        _flights.Remove(flight);
    }

    private bool IsSettled()
    {
        if (_core.Status > CollectionStatus.Skew || _core.History != _truth.History) return false;
        for (var feed = 0; feed < _plan.Feeds; feed++)
            if (IsFollowed(feed) && (_core.FreshnessOf(new FeedId(feed)).At.Position.Value < HeadOf(feed)
                || _publishers[feed].Confirmed < _publishers[feed].Committed)) return false;
        return true;
    }

    private bool IsFollowed(int feed) => _plan.Scope.Group is not null || feed == _plan.FeedOf(_plan.Scope.Vault!);

    // The scope's last change: a beat tells of the rest, and nothing hangs on it.
    private long HeadOf(int feed) => _truth.Now.Feeds[feed].Count;

    private string Standing()
    {
        var text = $"{_core.Status}, history {_core.History} of {_truth.History}";
        foreach (var feed in _core.FeedStatuses)
            text += $"; feed {feed.Feed}: {feed.Status}, {feed.Freshness}, head {HeadOf(feed.Feed?.Value ?? 0)}";
        return text;
    }

    private void Cover()
    {
        var counters = _core.Counters;
        Coverage.Add("applied", counters.Applied);
        Coverage.Add("stale ignored", counters.IgnoredStale);
        Coverage.Add("gap", counters.Gaps);
        Coverage.Add("tail gap found by a beat", counters.TailGaps);
        Coverage.Add("parse error", counters.ParseErrors);
        Coverage.Add("skew by major", counters.SchemaSkews);
        Coverage.Add("wrong key dropped", counters.WrongKey);
        Coverage.Add("snapshot", counters.Snapshots);
        Coverage.Add("changes page", counters.ChangesPages);
        Coverage.Add("history reset", counters.Resets);
        Coverage.Add("refetch", counters.Refetches);
        Coverage.Add("failure", counters.Failures);
        Coverage.Add("buffer overflow", counters.BufferDrops);
    }

    private sealed class Flight(CollectionRequest request)
    {
        public CollectionRequest Request => request;

        public object? Answer { get; set; }

        public bool IsTimedOut { get; set; }

        /// <summary>The core saw the page before it was to apply it.</summary>
        public bool IsShown { get; set; }
    }
}

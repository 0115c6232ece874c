using Sync.Contracts;

namespace Sync.Replication;

/// <summary>Follows the feeds by their beats: finds what a lost last envelope hides, and says how fresh each replica
/// is. Pure: time is an input, effects go to a list. One call at a time (the shell's duty).
/// <para>A feed's beats form an unbroken <em>chain</em> from <c>ChainFrom</c> to <c>Known</c>. A member is
/// <em>anchored</em> when it has heard of every change up to a position at or above the chain's start (and its own
/// joining): since beats name every changed key, it has then heard of every change up to <c>Known</c>, but for one
/// that was named and has not arrived. It is current as of what it has heard while nothing that arrived is above
/// what it applied. Invariant: the position that <see cref="FreshnessOf"/> gives never goes back within a
/// history.</para></summary>
/// <param name="grace">How long an envelope may arrive after the beat that names it.</param>
/// <param name="faults">Switches of the simulation.</param>
public sealed class FeedTrackerCore(TimeSpan grace, PlantedFaults faults)
{
    private readonly Dictionary<uint, FeedMember> _byCrc = [];
    private readonly Dictionary<FeedId, FeedState> _feeds = [];
    private readonly Dictionary<string, VaultState> _vaults = new(StringComparer.Ordinal);
    private readonly HashSet<FeedMember> _members = [];
    private readonly HashSet<FeedMember> _unanchored = [];
    private readonly Queue<FeedMember> _inGrace = new();

    /// <summary>Members that are followed.</summary>
    public int Count => _members.Count;

    /// <summary>When <see cref="Advance"/> has something to do; null = nothing waits.</summary>
    public TimeSpan? NextDue => _inGrace.TryPeek(out var member) ? member.GraceDue : null;

    /// <summary>Follows a replica from now on: before its birth fetch is sent, so that no beat falls between.
    /// Idempotent.</summary>
    public void Join(FeedMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (!_members.Add(member)) return;
        member.NextSameCrc = _byCrc.GetValueOrDefault(member.Crc);
        _byCrc[member.Crc] = member;
        _unanchored.Add(member);
        if (!_vaults.TryGetValue(member.Key.Vault, out var vault))
            _vaults.Add(member.Key.Vault, vault = new VaultState());
        vault.Members++;
        Place(member);
    }

    /// <summary>Stops following, and leaves no trace of the key and its vault. Idempotent.</summary>
    public void Leave(FeedMember member)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (!_members.Remove(member)) return;
        member.HasLeft = true;
        _unanchored.Remove(member);
        if (--_vaults[member.Key.Vault].Members == 0) _vaults.Remove(member.Key.Vault);
        var at = _byCrc[member.Crc];
        if (at == member)
        {
            if (member.NextSameCrc is null) _byCrc.Remove(member.Crc);
            else _byCrc[member.Crc] = member.NextSameCrc;
            return;
        }
        while (at.NextSameCrc != member) at = at.NextSameCrc!;
        at.NextSameCrc = member.NextSameCrc;
    }

    /// <summary>Takes a beat.</summary>
    /// <param name="beat">The beat.</param>
    /// <param name="now">The time.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Receive(Beat beat, TimeSpan now, List<FeedEffect> effects)
    {
        if (faults.IgnoreBeats || !IsFeed(beat.Feed) || beat.Position < beat.Prev) return;
        var feed = FeedOf(beat.Feed);
        foreach (var member in _unanchored) Place(member);
        Enter(beat.Feed, feed, beat.History, effects);
        if (!feed.IsKnown || beat.Position > feed.Known)
        {
            if (!feed.IsKnown || beat.Prev > feed.Known) BreakChain(beat, feed, now);
            NameChanged(beat, feed, now);
            (feed.Known, feed.KnownAt, feed.IsKnown) = (beat.Position, now, true);
        }
        else if (beat.Position == feed.Known) feed.KnownAt = now; // nothing changed meanwhile, and that is news
        // Also when the feed stands still: else whoever joined with an old seed, or failed to recover, waits for the next change.
        CheckUnanchored(beat.Feed, feed, now, effects);
        effects.Add(new(FeedEffectKind.BeatHeard, null, beat.Feed, beat.History, beat.Position));
    }

    /// <summary>The writer answered for a member, and the answer was delivered to it: it has heard of everything up
    /// to there.</summary>
    /// <param name="member">Whose key was asked.</param>
    /// <param name="id">The feed of its vault.</param>
    /// <param name="history">The ledger's history.</param>
    /// <param name="position">Where the answer stands.</param>
    /// <param name="now">The time.</param>
    /// <param name="effects">Receives what is to be done.</param>
    public void Answered(
        FeedMember member, FeedId id, HistoryId history, Position position, TimeSpan now, List<FeedEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (member.HasLeft || !IsFeed(id)) return;
        _vaults[member.Key.Vault].Feed = id;
        var feed = FeedOf(id);
        Enter(id, feed, history, effects);
        if (member.Feed != id) PlaceIn(member, id);
        member.Align(member.Marks.Read());
        member.Adopt(history);
        if (position > member.HeardTo) member.HeardTo = position;
        Memoize(member, feed, member.Marks.Read(), now);
        if (position >= StartOf(member, feed)) _unanchored.Remove(member);
    }

    /// <summary>Does what time alone brings: grace that has passed.</summary>
    public void Advance(TimeSpan now, List<FeedEffect> effects)
    {
        while (_inGrace.TryPeek(out var member) && member.GraceDue <= now)
        {
            _inGrace.Dequeue();
            member.IsInGrace = false;
            if (member.HasLeft || HasHeard(member, member.Named, member.Marks.Read())) continue;
            if (!HasHeard(member, member.GraceNamed, member.Marks.Read()))
                effects.Add(new(FeedEffectKind.TailGap, member, member.Feed ?? default, member.NamedIn, member.Named));
            else Await(member, now); // a later beat named a later change, which gets its own grace
        }
    }

    /// <summary>How fresh a member is: current as of which position, and when that was learned.</summary>
    /// <param name="member">The member.</param>
    /// <param name="now">The time.</param>
    public FeedFreshness FreshnessOf(FeedMember member, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (!member.HasLeft) Place(member);
        if (member.Feed is not { } id) return FeedFreshness.Unknown;
        var feed = FeedOf(id);
        var marks = member.Marks.Read();
        var isCurrent = Memoize(member, feed, marks, now);
        return member.CurrentTo.Value < 0
            ? FeedFreshness.Unknown
            : new(true, new(id, member.History, member.CurrentTo), member.CurrentAt, isCurrent);
    }

    /// <summary>All members of a feed, for effects that concern the whole feed.</summary>
    public IEnumerable<FeedMember> MembersOf(FeedId id)
    {
        foreach (var member in _members)
            if (member.Feed == id) yield return member;
    }

    private FeedState FeedOf(FeedId id)
    {
        if (!_feeds.TryGetValue(id, out var feed)) _feeds.Add(id, feed = new FeedState());
        return feed;
    }

    // Whoever says so first, a beat or an answer: the feed's positions are of this history from here on.
    private void Enter(FeedId id, FeedState feed, HistoryId history, List<FeedEffect> effects)
    {
        if (feed.History == history) return;
        feed.Forget(history);
        if (faults.HistoryResetIgnored) return;
        var isReplaced = false;
        foreach (var member in _members)
        {
            if (member.Feed != id || !IsOther(member.History, history)) continue;
            isReplaced = true;
            member.Forget(history);
            _unanchored.Add(member);
        }
        if (isReplaced) effects.Add(new(FeedEffectKind.HistoryReplaced, null, id, history, Position.Start));
    }

    // Beats were missed, or this is the first: what changed before it is unknown, so nobody is anchored (any more).
    private void BreakChain(Beat beat, FeedState feed, TimeSpan now)
    {
        foreach (var member in _members)
        {
            if (member.Feed != beat.Feed) continue;
            Memoize(member, feed, member.Marks.Read(), now);
            _unanchored.Add(member);
        }
        feed.ChainFrom = beat.Prev;
    }

    private void NameChanged(Beat beat, FeedState feed, TimeSpan now)
    {
        for (var index = 0; index < beat.Keys.Count; index++)
        {
            var changed = beat.Keys[index];
            if (!_byCrc.TryGetValue(changed.Crc, out var member)) continue;
            var named = new Position(Math.Min(beat.Prev.Value + changed.Offset, beat.Position.Value));
            for (; member is not null; member = member.NextSameCrc)
            {
                if (member.Feed is { } other && other != beat.Feed) continue;
                var marks = member.Marks.Read();
                member.NameIn(beat.History);
                if (named <= member.Named || HasHeard(member, named, marks)) continue;
                if (member.Feed is not null) Memoize(member, feed, marks, now);
                member.Named = named;
                if (!member.IsInGrace) Await(member, now);
            }
        }
    }

    private void Await(FeedMember member, TimeSpan now)
    {
        (member.GraceNamed, member.GraceDue, member.IsInGrace) = (member.Named, now + grace, true);
        _inGrace.Enqueue(member);
    }

    // A joiner whose position lies before the chain, or a member that a broken chain left behind, asks once for each
    // chain.
    private void CheckUnanchored(FeedId id, FeedState feed, TimeSpan now, List<FeedEffect> effects)
    {
        foreach (var member in _unanchored)
        {
            if (member.Feed != id) continue;
            var start = StartOf(member, feed);
            Memoize(member, feed, member.Marks.Read(), now);
            if (member.HeardTo >= start && !IsOther(member.History, feed.History)) _unanchored.Remove(member);
            else if (member.CheckedFor != start)
            {
                member.CheckedFor = start;
                effects.Add(new(FeedEffectKind.Check, member, id, feed.History, start));
            }
        }
    }

    /// <summary>Writes down what is known of a member now, before the feed moves on or a reader is told.</summary>
    /// <returns>True when it is current as of all that is known.</returns>
    private static bool Memoize(FeedMember member, FeedState feed, ReplicaMarks marks, TimeSpan now)
    {
        member.Align(marks);
        if (marks.Seen.History.Value != 0 && marks.Seen.History == feed.History) member.Adopt(feed.History);
        if (IsOther(marks.Seen.History, member.History)) return false;

        // A full object says all about its key up to its own position.
        if (marks.Seen.Position > member.HeardTo && marks.Seen.Position > Position.Start)
            member.HeardTo = marks.Seen.Position;
        var isAnchored = feed.IsKnown && member.History == feed.History && member.HeardTo >= StartOf(member, feed)
            && HasHeard(member, member.Named, marks);
        if (isAnchored && feed.Known > member.HeardTo) member.HeardTo = feed.Known;

        var current = marks.IsCurrent ? member.HeardTo : marks.Applied.Position;
        // Position 0 alone says nothing, unless the feed is known to stand there: nothing was written to it yet.
        if (current > member.CurrentTo && (current > Position.Start || (isAnchored && marks.IsCurrent)))
            (member.CurrentTo, member.CurrentAt) = (current, isAnchored && current == feed.Known ? feed.KnownAt : now);
        else if (isAnchored && marks.IsCurrent && current == feed.Known) member.CurrentAt = feed.KnownAt;
        return marks.IsCurrent && isAnchored;
    }

    private static Position StartOf(FeedMember member, FeedState feed) =>
        member.JoinedIn == feed.History && member.JoinedAt > feed.ChainFrom ? member.JoinedAt : feed.ChainFrom;

    // Arrived, or settled by an answer that stands at it: a key may share its checksum with another that changed.
    private static bool HasHeard(FeedMember member, Position named, ReplicaMarks marks) =>
        !IsOther(member.History, member.NamedIn)
        && (member.HeardTo >= named || (marks.Seen.Position >= named && !IsOther(marks.Seen.History, member.NamedIn)));

    private static bool IsOther(HistoryId left, HistoryId right) =>
        left.Value != 0 && right.Value != 0 && left != right;

    // What a hostile message names must not make state.
    private static bool IsFeed(FeedId id) => id.Value is >= 0 and < Feeds.CountMax;

    // A replica learns its feed from its vault's answers, or from an envelope of its own.
    private void Place(FeedMember member)
    {
        if (member.Feed is not null) return;
        var vault = _vaults[member.Key.Vault];
        if (vault.Feed is null)
        {
            var seen = member.Marks.Read().Seen;
            if (seen.Position > Position.Start && IsFeed(seen.Feed)) vault.Feed = seen.Feed;
        }
        if (vault.Feed is { } feed) PlaceIn(member, feed);
    }

    // What beats said before the feed was known is not held for the member: it must be heard of from here on.
    private void PlaceIn(FeedMember member, FeedId id)
    {
        var feed = FeedOf(id);
        (member.Feed, member.JoinedIn) = (id, feed.History);
        member.JoinedAt = feed.IsKnown ? feed.Known : Position.Start;
        var history = member.Marks.Read().Seen.History;
        member.Begin(history.Value != 0 ? history : feed.History);
    }

    private sealed class FeedState
    {
        public HistoryId History { get; set; }
        public Position ChainFrom { get; set; }
        public Position Known { get; set; }
        public TimeSpan KnownAt { get; set; }
        public bool IsKnown { get; set; }

        public void Forget(HistoryId history) =>
            (History, ChainFrom, Known, IsKnown) = (history, Position.Start, Position.Start, false);
    }

    private sealed class VaultState
    {
        public FeedId? Feed { get; set; }
        public int Members { get; set; }
    }
}

using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What a tracker must know of a replica, read when it is needed.</summary>
/// <param name="Applied">Feed, history and position of the applied value; zero where not known.</param>
/// <param name="Seen">Feed, history and highest position that arrived; zero where not known.</param>
/// <param name="Resets">How often the marks were forgotten: what was known of the replica before is void.</param>
/// <param name="IsCurrent">True when there is a value, or known absence, and nothing newer has arrived.</param>
public readonly record struct ReplicaMarks(FeedPosition Applied, FeedPosition Seen, long Resets, bool IsCurrent);

/// <summary>Gives the marks of a replica: its core in the simulation, its shell in a process.</summary>
public interface IReplicaMarks
{
    /// <summary>The marks as of now, of one step.</summary>
    ReplicaMarks Read();
}

/// <summary>A replica as <see cref="FeedTrackerCore"/> follows it. Its state belongs to the tracker.</summary>
public sealed class FeedMember(SyncedKey key, IReplicaMarks marks)
{
    /// <summary>The replica's key.</summary>
    public SyncedKey Key { get; } = key;

    internal IReplicaMarks Marks { get; } = marks;

    internal uint Crc { get; } = Crc32.Of(key);

    internal FeedMember? NextSameCrc { get; set; }

    internal FeedId? Feed { get; set; }

    internal HistoryId History { get; set; }

    internal Position JoinedAt { get; set; }

    /// <summary>The history of that position: its own seed may be of another.</summary>
    internal HistoryId JoinedIn { get; set; }

    /// <summary>Every change of the key up to here has arrived or was answered for; -1 = not known.</summary>
    internal Position HeardTo { get; set; } = new(-1);

    /// <summary>The replica is known to be current as of here; -1 = not known.</summary>
    internal Position CurrentTo { get; set; } = new(-1);

    internal TimeSpan CurrentAt { get; set; }

    /// <summary>Highest position that a beat named for the key before it was seen.</summary>
    internal Position Named { get; set; }

    /// <summary>The history of what beats named.</summary>
    internal HistoryId NamedIn { get; set; }

    /// <summary>The position whose grace is running.</summary>
    internal Position GraceNamed { get; set; }

    internal TimeSpan GraceDue { get; set; }

    internal bool IsInGrace { get; set; }

    internal Position CheckedFor { get; set; } = new(-1);

    internal long Resets { get; set; }

    internal bool HasLeft { get; set; }

    /// <summary>The replica was reset: it has nothing to be current with, and has heard of nothing. What beats named
    /// stands.</summary>
    internal void Align(in ReplicaMarks marks)
    {
        if (marks.Resets == Resets) return;
        (Resets, HeardTo, CurrentTo) = (marks.Resets, new(-1), new(-1));
    }

    internal void Adopt(HistoryId history)
    {
        if (History == history) return;
        if (History.Value == 0) Begin(history);
        else Forget(history);
    }

    /// <summary>The first history that is known of the member, or none. What beats of another one named before says
    /// nothing.</summary>
    internal void Begin(HistoryId history)
    {
        History = history;
        if (history.Value != 0) NameIn(history);
    }

    /// <summary>Another history: positions of the old one say nothing. What beats of the new one named already
    /// stands.</summary>
    internal void Forget(HistoryId history)
    {
        (History, HeardTo, CurrentTo, CheckedFor) = (history, new(-1), new(-1), new(-1));
        NameIn(history);
    }

    /// <summary>From here on names are of this history.</summary>
    internal void NameIn(HistoryId history)
    {
        if (NamedIn != history) (NamedIn, Named, GraceNamed) = (history, Position.Start, Position.Start);
    }
}

/// <summary>What a tracker asks its shell to do.</summary>
public enum FeedEffectKind
{
    /// <summary>Check the member, batched and jittered: changes may have been missed. The answer must stand at the
    /// position.</summary>
    Check,

    /// <summary>The member missed a named change: recover at once. The answer must stand at the position.</summary>
    TailGap,

    /// <summary>The feed has another history: reset every replica of the feed (see
    /// <see cref="FeedEffect.Feed"/>).</summary>
    HistoryReplaced,

    /// <summary>A beat was taken: failed recoveries of the feed start again, waits are looked at.</summary>
    BeatHeard,
}

/// <summary>One thing to do.</summary>
/// <param name="Kind">What.</param>
/// <param name="Member">Who; null when it is all of the feed.</param>
/// <param name="Feed">The feed.</param>
/// <param name="History">The history.</param>
/// <param name="Position">The position.</param>
public readonly record struct FeedEffect(
    FeedEffectKind Kind, FeedMember? Member, FeedId Feed, HistoryId History, Position Position)
{
    /// <summary>The position as one that names its feed and history.</summary>
    public FeedPosition At => new(Feed, History, Position);
}

/// <summary>How fresh a replica is, in the tracker's time.</summary>
/// <param name="IsKnown">False before any envelope with a position, answer or beat.</param>
/// <param name="At">Current as of this feed position.</param>
/// <param name="LearnedAt">When that was learned.</param>
/// <param name="IsCurrent">True when nothing is known that is newer.</param>
public readonly record struct FeedFreshness(bool IsKnown, FeedPosition At, TimeSpan LearnedAt, bool IsCurrent)
{
    /// <summary>Nothing is known.</summary>
    public static readonly FeedFreshness Unknown;
}

namespace Sync.Transport.Internal;

/// <summary>One handler of a mailbox. <see cref="From"/> is written once, under the mailbox's lock, before the first message
/// that counts is queued under it; <see cref="Holders"/> is the lock's; <see cref="IsGone"/> goes from false to true
/// once, so a delivery in progress sees it and skips.</summary>
internal sealed class Member<THandler>(THandler handler)
{
    private long _from = NotYet;
    private volatile bool _gone;

    /// <summary>Behind every message: nothing is this member's yet.</summary>
    public const long NotYet = long.MaxValue;

    public THandler Handler => handler;

    /// <summary>The first message that is its: what was published before it subscribed is not.</summary>
    public long From
    {
        get => Volatile.Read(ref _from);
        set => Volatile.Write(ref _from, value);
    }

    /// <summary>Subscriptions that hold it: one handler subscribed twice is one member with two holders.</summary>
    public int Holders { get; set; } = 1;

    public bool IsGone => _gone;

    public void Leave() => _gone = true;
}

/// <summary>The handlers as a delivery walks over them: an immutable view of the first <see cref="Count"/> entries. Joining
/// fills a spare entry behind the views that are in use, so 100,000 handlers join in linear time.</summary>
internal sealed class Roster<THandler>(Member<THandler>[] members, int count)
    where THandler : class
{
    public static readonly Roster<THandler> Empty = new([], 0);

    public int Count => count;

    public ReadOnlySpan<Member<THandler>> Members => members.AsSpan(0, count);

    public Roster<THandler> With(Member<THandler> member)
    {
        if (count < members.Length && members[count] is null)
        {
            members[count] = member;
            return new Roster<THandler>(members, count + 1);
        }
        var larger = new Member<THandler>[Math.Max(1, count * 2)];
        Members.CopyTo(larger);
        larger[count] = member;
        return new Roster<THandler>(larger, count + 1);
    }

    public Roster<THandler> WithoutGone()
    {
        var stay = Array.FindAll(Members.ToArray(), member => !member.IsGone);
        return stay.Length == 0 ? Empty : new Roster<THandler>(stay, stay.Length);
    }
}

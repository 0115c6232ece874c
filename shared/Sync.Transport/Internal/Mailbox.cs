using System.Numerics;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Transport.Internal;

/// <summary>How a kind of message meets a kind of handler. A struct, so that the walk over the handlers is compiled for it.</summary>
internal interface IMail<in THandler, in TItem>
{
    static abstract void Receive(THandler handler, TItem item);

    static abstract void Disrupted(THandler handler, Disruption disruption);

    /// <summary>Which messages replace each other when the mailbox overflows.</summary>
    static abstract object KeyOf(TItem item);
}

/// <summary>The bounded mailbox of one subscription (a key, a pattern, the beats), shared by its local handlers: one
/// enqueue per message, one array walk per delivery, off the read loop.
/// <para>Full: it keeps the newest message of each key, at most three quarters of its size (then the newest of those), says
/// how many it dropped, and reports <see cref="Disruption.Overflow"/> in front of what is left.</para>
/// <para>Safety: the lock guards ring, roster, numbers and flags, and is never held while a handler runs. At most one worker
/// runs: whoever puts something into an idle mailbox schedules it, and it declares itself idle under the lock, only when
/// the ring is empty. So calls come one at a time, in order, and what a handler publishes is queued behind the call.
/// Leaving marks the member first, so a walk in progress skips it; a call already begun may still be finishing.</para></summary>
internal sealed class Mailbox<THandler, TItem, TMail>(
    object name, int itemsMax, ArrivalFence? fence, ILogger logger) : IThreadPoolWorkItem
    where THandler : class
    where TItem : class
    where TMail : struct, IMail<THandler, TItem>
{
    // So many messages in one turn, then other work items of the pool get theirs.
    private const int TurnMessages = 128;

    // Below this a search among the members is as good as a hash.
    private const int IndexFrom = 16;

    private readonly Lock _gate = new();
    private readonly MailRing _ring = new();
    private Dictionary<THandler, Member<THandler>>? _index;
    private Roster<THandler> _roster = Roster<THandler>.Empty;
    private int _present;
    private long _next;
    private bool _overflowed;
    private bool _scheduled;
    private long _errors;

    /// <summary>Adds a handler, or a holder to the one that is there. A new one gets nothing before <see cref="Begin"/>.</summary>
    public Member<THandler> Join(THandler handler)
    {
        lock (_gate)
        {
            if (Find(handler) is { } present)
            {
                present.Holders++;
                return present;
            }
            var member = new Member<THandler>(handler);
            _roster = _roster.With(member);
            _present++;
            if (_index is not null) _index[handler] = member;
            else if (_present >= IndexFrom) BuildIndex();
            return member;
        }
    }

    /// <summary>What is queued from now on is the member's too; repeated, nothing changes.</summary>
    public void Begin(Member<THandler> member)
    {
        lock (_gate)
        {
            if (member.From == Member<THandler>.NotYet) member.From = _next;
        }
    }

    /// <summary>Takes one holder away.</summary>
    /// <returns>True when nobody is left.</returns>
    public bool Leave(Member<THandler> member)
    {
        lock (_gate)
        {
            if (member.IsGone || --member.Holders > 0) return false;
            member.Leave();
            _index?.Remove(member.Handler);
            _present--;
            // Sweeping when half are gone makes leaving cheap on average, also for 100,000 handlers of one key.
            if (_present * 2 <= _roster.Count) _roster = _roster.WithoutGone();
            if (_present > 0) return false;
            Empty();
            _index = null;
            return true;
        }
    }

    /// <summary>Nobody is left: what waits is dropped.</summary>
    public void Close()
    {
        lock (_gate)
        {
            foreach (var member in _roster.Members) member.Leave();
            _roster = Roster<THandler>.Empty;
            _present = 0;
            _index = null;
            Empty();
        }
    }

    /// <summary>Queues a message for the handlers that are there now.</summary>
    public void Post(TItem item) => Put(item);

    /// <summary>Queues a disruption; several of one kind in a row are one.</summary>
    public void Post(Disruption disruption) => Put(Marker.Of(disruption));

    public void Execute()
    {
        for (var turn = 0; turn < TurnMessages; turn++)
        {
            MailSlot slot;
            Roster<THandler> roster;
            lock (_gate)
            {
                if (_overflowed)
                {
                    _overflowed = false;
                    slot = new MailSlot(Marker.Of(Disruption.Overflow), _next - 1, MailSlot.NotCounted);
                }
                else if (!_ring.TryDequeue(out slot))
                {
                    _scheduled = false;
                    return;
                }
                roster = _roster;
            }
            if (slot.Content is Marker marker) Report(roster, slot.Number, marker.Disruption);
            else Deliver(roster, slot.Number, (TItem)slot.Content);
            Handled(slot);
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Put(object content)
    {
        lock (_gate)
        {
            if (_present == 0 || (content is Marker && ReferenceEquals(_ring.Newest, content))) return;
            if (_ring.Count >= itemsMax) DropOld();
            _ring.Enqueue(new MailSlot(content, _next++, fence?.Enter() ?? MailSlot.NotCounted));
            if (_scheduled) return;
            _scheduled = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    // Frees at least a quarter, so the cost per message stays constant under a lasting overflow.
    private void DropOld()
    {
        var seen = new HashSet<object>();
        var dropped = _ring.KeepNewest(
            itemsMax - (itemsMax / 4), content => seen.Add(content is TItem item ? TMail.KeyOf(item) : content), Handled);
        _overflowed = true;
        TransportMetrics.Overflowed.Add(dropped);
        logger.Overflowed(name, dropped);
    }

    private void Empty()
    {
        while (_ring.TryDequeue(out var slot)) Handled(slot);
    }

    // Handled or dropped: no beat waits for it any longer.
    private void Handled(MailSlot slot)
    {
        if (slot.Generation != MailSlot.NotCounted) fence!.Leave(slot.Generation);
    }

    private void Deliver(Roster<THandler> roster, long number, TItem item)
    {
        var delivered = 0;
        foreach (var member in roster.Members)
        {
            if (member.IsGone || number < member.From) continue;
            try
            {
                TMail.Receive(member.Handler, item);
                delivered++;
            }
            catch (Exception exception)
            {
                Failed(exception);
            }
        }
        TransportMetrics.Delivered.Add(delivered);
    }

    private void Report(Roster<THandler> roster, long number, Disruption disruption)
    {
        foreach (var member in roster.Members)
        {
            if (member.IsGone || number < member.From) continue;
            try
            {
                TMail.Disrupted(member.Handler, disruption);
            }
            catch (Exception exception)
            {
                Failed(exception);
            }
        }
    }

    // A handler that throws at every message must not fill the log: each power of two is logged, all are counted.
    private void Failed(Exception exception)
    {
        TransportMetrics.HandlerErrors.Add(1);
        if (BitOperations.IsPow2(++_errors)) logger.HandlerThrew(name, _errors, exception);
    }

    private Member<THandler>? Find(THandler handler)
    {
        if (_index is not null) return _index.GetValueOrDefault(handler);
        foreach (var member in _roster.Members)
            if (!member.IsGone && ReferenceEquals(member.Handler, handler)) return member;
        return null;
    }

    private void BuildIndex()
    {
        _index = new Dictionary<THandler, Member<THandler>>(ReferenceEqualityComparer.Instance);
        foreach (var member in _roster.Members)
            if (!member.IsGone) _index[member.Handler] = member;
    }
}

/// <summary>Envelopes: the newest of each key counts.</summary>
internal readonly struct EnvelopeMail : IMail<IEnvelopeHandler, Envelope>
{
    public static void Receive(IEnvelopeHandler handler, Envelope item) => handler.Receive(item);

    public static void Disrupted(IEnvelopeHandler handler, Disruption disruption) => handler.Disrupted(disruption);

    public static object KeyOf(Envelope item) => item.Key;
}

/// <summary>Beats: the newest of each feed counts; the receiver sees by <c>prev</c> that some are missing.</summary>
internal readonly struct BeatMail : IMail<IBeatHandler, Beat>
{
    public static void Receive(IBeatHandler handler, Beat item) => handler.Receive(item);

    public static void Disrupted(IBeatHandler handler, Disruption disruption) => handler.Disrupted(disruption);

    public static object KeyOf(Beat item) => item.Feed;
}

using System.Buffers.Text;
using System.Text;

namespace Sync.Nats.Internal;

/// <summary>
/// All subscriptions of a connection. A sid is the slot's index in its low bits and the slot's use count above them,
/// so the read loop finds the subscription by array index, and a late message for a former user of the slot finds
/// nobody. Changes happen under the send buffer's gate (see there: a SUB goes out exactly once per connection); the
/// read loop reads the array without a lock: it sees the old or the new reference, and checks the sid.
/// </summary>
internal sealed class SubscriptionTable(SendBuffer buffer, int subscriptionsMax)
{
    private const int IndexBits = 20;
    private const long IndexMask = (1 << IndexBits) - 1;

    private readonly Queue<long> _free = new();
    private NatsSubscription?[] _slots = new NatsSubscription?[16];
    private long _nextIndex = 1;
    private int _count;
    private NatsException? _closed;

    public void Add(NatsSubscription subscription) => buffer.Change(() =>
    {
        if (_closed is not null)
            throw new NatsException(_closed.Error, _closed.Message, _closed);
        if (_count >= subscriptionsMax)
            throw new NatsException(NatsError.LimitReached, $"There are {_count} subscriptions already");
        _count++;
        var sid = _free.TryDequeue(out var used) ? used + (1L << IndexBits) : _nextIndex++;
        var index = (int)(sid & IndexMask);
        if (index >= _slots.Length)
        {
            var grown = new NatsSubscription?[2 * _slots.Length];
            _slots.CopyTo(grown, 0);
            Volatile.Write(ref _slots, grown);
        }

        subscription.Sid = sid;
        Volatile.Write(ref _slots[index], subscription);
        if (buffer.IsUpLocked)
            Append(w => WriteSub(subscription, w));
    });

    public NatsSubscription? Find(long sid)
    {
        var slots = Volatile.Read(ref _slots);
        var index = sid & IndexMask;
        if (index >= slots.Length)
            return null;
        var found = Volatile.Read(ref slots[index]);
        return found?.Sid == sid ? found : null;
    }

    /// <summary>Ends a subscription; nothing happens if it has ended already.</summary>
    public void Remove(NatsSubscription subscription, bool tellServer = true)
    {
        buffer.Change(() =>
        {
            if (Find(subscription.Sid) != subscription)
                return;
            Volatile.Write(ref _slots[subscription.Sid & IndexMask], null);
            _free.Enqueue(subscription.Sid);
            _count--;
            if (tellServer && !subscription.IsDraining && buffer.IsUpLocked)
                Append(w => WriteUnsub(subscription.Sid, 0, w));
        });
        subscription.End(null);
    }

    public void BeginDrain(NatsSubscription subscription) => buffer.Change(() =>
    {
        if (Find(subscription.Sid) != subscription || subscription.IsDraining)
            return;
        subscription.IsDraining = true;
        if (buffer.IsUpLocked)
            Append(w => WriteUnsub(subscription.Sid, 0, w));
    });

    public NatsSubscription[] Snapshot()
    {
        lock (buffer.Gate)
            return _slots.OfType<NatsSubscription>().ToArray();
    }

    /// <summary>SUB (and UNSUB with the rest of the count) for everything, for a new connection. The gate is held.
    /// Draining subscriptions are not renewed: nothing is on its way to them any more.</summary>
    public byte[]? BuildPrologueLocked()
    {
        using var bytes = new MemoryStream();
        foreach (var subscription in _slots)
        {
            if (subscription is null || subscription.IsDraining)
                continue;
            subscription.ClearError();
            WriteSub(subscription, bytes);
        }

        return bytes.Length == 0 ? null : bytes.ToArray();
    }

    public void CloseAll(NatsException reason)
    {
        NatsSubscription[] all;
        lock (buffer.Gate)
        {
            _closed = reason;
            all = _slots.OfType<NatsSubscription>().ToArray();
            Array.Clear(_slots);
            _count = 0;
        }

        foreach (var subscription in all)
            subscription.End(null);
    }

    /// <summary>Tells all subscriptions with that subject (and group) that the server refused them.</summary>
    public bool Deny(string subject, string? queueGroup, NatsException error)
    {
        var hit = false;
        foreach (var subscription in Snapshot())
        {
            if (subscription.Subject != subject || (queueGroup is not null && subscription.QueueGroup != queueGroup))
                continue;
            subscription.Deny(error);
            hit = true;
        }

        return hit;
    }

    private void Append(Action<MemoryStream> write)
    {
        using var bytes = new MemoryStream();
        write(bytes);
        buffer.AppendControlLocked(bytes.GetBuffer().AsSpan(0, (int)bytes.Length));
    }

    private static void WriteSub(NatsSubscription subscription, MemoryStream to)
    {
        to.Write("SUB "u8);
        to.Write(Encoding.ASCII.GetBytes(subscription.Subject));
        to.WriteByte((byte)' ');
        if (subscription.QueueGroup is { } group)
        {
            to.Write(Encoding.ASCII.GetBytes(group));
            to.WriteByte((byte)' ');
        }

        WriteNumber(subscription.Sid, to);
        to.Write("\r\n"u8);
        // The server counts anew on each connection: it is told the rest.
        if (subscription.MaxMsgs > 0)
            WriteUnsub(subscription.Sid, Math.Max(1, subscription.MaxMsgs - subscription.Received), to);
    }

    private static void WriteUnsub(long sid, long max, MemoryStream to)
    {
        to.Write("UNSUB "u8);
        WriteNumber(sid, to);
        if (max > 0)
        {
            to.WriteByte((byte)' ');
            WriteNumber(max, to);
        }

        to.Write("\r\n"u8);
    }

    private static void WriteNumber(long number, MemoryStream to)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(number, digits, out var length);
        to.Write(digits[..length]);
    }
}

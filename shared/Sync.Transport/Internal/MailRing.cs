namespace Sync.Transport.Internal;

/// <summary>A queue that starts small, doubles up to what its owner allows and gives memory back when it runs empty: there
/// is one per followed key. Not safe by itself; the mailbox calls it under its lock.</summary>
internal sealed class MailRing
{
    private const int SizeMin = 4;
    private const int SizeKept = 256;

    private MailSlot[] _slots = new MailSlot[SizeMin];
    private int _head;

    public int Count { get; private set; }

    /// <summary>What was put in last; null when empty.</summary>
    public object? Newest => Count == 0 ? null : _slots[Index(Count - 1)].Content;

    public void Enqueue(in MailSlot slot)
    {
        if (Count == _slots.Length) Resize(_slots.Length * 2);
        _slots[Index(Count)] = slot;
        Count++;
    }

    public bool TryDequeue(out MailSlot slot)
    {
        if (Count == 0)
        {
            slot = default;
            return false;
        }
        slot = _slots[_head];
        _slots[_head] = default;
        _head = Index(1);
        if (--Count == 0 && _slots.Length > SizeKept) Shrink();
        return true;
    }

    private void Shrink()
    {
        _slots = new MailSlot[SizeMin];
        _head = 0;
    }

    /// <summary>Keeps at most <paramref name="keepMax"/> of those that the predicate wants, the newest, in their order. It is
    /// asked from the newest to the oldest; the others are handed to <paramref name="drop"/>.</summary>
    /// <returns>How many went.</returns>
    public int KeepNewest(int keepMax, Func<object, bool> wanted, Action<MailSlot> drop)
    {
        var kept = new MailSlot[_slots.Length];
        var first = kept.Length;
        for (var at = Count - 1; at >= 0; at--)
        {
            ref var slot = ref _slots[Index(at)];
            if (kept.Length - first < keepMax && wanted(slot.Content)) kept[--first] = slot;
            else drop(slot);
        }
        var dropped = Count - (kept.Length - first);
        _slots = kept;
        _head = first == kept.Length ? 0 : first;
        Count -= dropped;
        return dropped;
    }

    private int Index(int at)
    {
        var index = _head + at;
        return index >= _slots.Length ? index - _slots.Length : index;
    }

    private void Resize(int size)
    {
        var larger = new MailSlot[size];
        for (var at = 0; at < Count; at++) larger[at] = _slots[Index(at)];
        _slots = larger;
        _head = 0;
    }
}

/// <summary>A message or a <see cref="Marker"/>, its place in the mailbox's order, and the generation it counts in
/// (<see cref="NotCounted"/> = none).</summary>
internal readonly record struct MailSlot(object Content, long Number, byte Generation)
{
    public const byte NotCounted = byte.MaxValue;
}

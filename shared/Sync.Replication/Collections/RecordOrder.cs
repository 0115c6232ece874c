using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The order of a table's keys, made when first read and then mended: what came since is sorted and merged
/// in, what went is left out. Slots of removed records wait here until the order no longer names them.</summary>
internal sealed class RecordOrder<T>(RecordTable<T> table)
{
    private const int ChangesMin = 256;
    private readonly List<int> _added = [];
    private readonly List<int> _removed = [];
    private int[]? _order;
    private int _count;

    /// <summary>A record was added.</summary>
    public void Added(int slot)
    {
        if (_order is null) return;
        _added.Add(slot);
        ForgetWhenCostly();
    }

    /// <summary>A record was removed. True: its slot is released later.</summary>
    public bool Holds(int slot)
    {
        if (_order is null) return false;
        _removed.Add(slot);
        ForgetWhenCostly();
        return true;
    }

    /// <summary>The slots of all records in order.</summary>
    public ReadOnlySpan<int> Read()
    {
        if (_order is null) Make();
        else if (_added.Count + _removed.Count > 0) Mend();
        return _order.AsSpan(0, _count);
    }

    private void Make()
    {
        var slots = new List<int>(table.Count);
        for (var slot = 0; slot < table.Slots; slot++)
            if (table[slot].Key is not null) slots.Add(slot);
        (_order, _count) = (Sorted(slots), slots.Count);
    }

    private void Mend()
    {
        _added.RemoveAll(slot => table[slot].Key is null);
        var added = Sorted(_added);
        var mended = new int[table.Count];
        var count = 0;
        var next = 0;
        foreach (var slot in _order.AsSpan(0, _count))
        {
            if (table[slot].Key is not { } key) continue;
            while (next < added.Length && Utf8Order.Instance.Compare(table[added[next]].Key, key) < 0)
                mended[count++] = added[next++];
            mended[count++] = slot;
        }
        while (next < added.Length) mended[count++] = added[next++];
        (_order, _count) = (mended, count);
        Settle();
    }

    // Nobody reads the order, or it changes as a whole: making it anew costs no more than mending it.
    private void ForgetWhenCostly()
    {
        if (_added.Count + _removed.Count < ChangesMin + (_count / 2)) return;
        _order = null;
        Settle();
    }

    private void Settle()
    {
        foreach (var slot in _removed) table.Release(slot);
        _removed.Clear();
        _added.Clear();
    }

    private int[] Sorted(List<int> slots)
    {
        var sorted = slots.ToArray();
        var keys = new string[sorted.Length];
        for (var index = 0; index < sorted.Length; index++) keys[index] = table[sorted[index]].Key!;
        Array.Sort(keys, sorted, Utf8Order.Instance);
        return sorted;
    }
}

using System.Buffers;

namespace Sync.MessagePack;

/// <summary>Finds duplicate keys of nested maps. The keys of the open maps lie on one stack; closing a map looks through its
/// own and drops them. Many keys are sorted, not hashed: n log n whatever an attacker chooses, and no seed to guess.</summary>
internal ref struct KeyGuard
{
    /// <summary>Entries that a caller should put on its stack.</summary>
    public const int InitialCount = 32;

    private const int PairwiseMax = 16;

    private readonly int _max;
    private Span<MapKey> _keys;
    private MapKey[]? _rented;
    private int _count;

    /// <param name="initial">Scratch, usually on the stack.</param>
    /// <param name="max">Most keys of all open maps together.</param>
    public KeyGuard(Span<MapKey> initial, int max)
    {
        _keys = initial;
        _max = max;
    }

    /// <summary>Where the keys of a map that opens now will start.</summary>
    public readonly int Mark => _count;

    /// <summary>Remembers a key of the innermost map.</summary>
    /// <returns>False when there are too many.</returns>
    public bool TryAdd(in MapKey key)
    {
        if (_count == _keys.Length && !TryGrow()) return false;
        _keys[_count++] = key;
        return true;
    }

    /// <summary>Closes the innermost map.</summary>
    /// <param name="mark"><see cref="Mark"/> when it was opened.</param>
    /// <param name="bytes">What the offsets of its keys refer to.</param>
    /// <param name="duplicate">A key that is there twice.</param>
    /// <returns>False when there is one.</returns>
    public bool TryClose(int mark, ReadOnlySpan<byte> bytes, out MapKey duplicate)
    {
        var keys = _keys[mark.._count];
        _count = mark;
        return keys.Length <= PairwiseMax ? AreDistinct(keys, bytes, out duplicate) : AreDistinctSorted(keys, bytes, out duplicate);
    }

    /// <summary>Returns what was rented.</summary>
    public void Dispose()
    {
        if (_rented is not null) ArrayPool<MapKey>.Shared.Return(_rented);
        _rented = null;
        _keys = default;
        _count = 0;
    }

    private static bool AreDistinct(ReadOnlySpan<MapKey> keys, ReadOnlySpan<byte> bytes, out MapKey duplicate)
    {
        duplicate = default;
        for (var index = 1; index < keys.Length; index++)
            for (var other = 0; other < index; other++)
                if (keys[other].Prefix == keys[index].Prefix && MapKey.Same(keys[other], keys[index], bytes))
                {
                    duplicate = keys[index];
                    return false;
                }
        return true;
    }

    private static bool AreDistinctSorted(Span<MapKey> keys, ReadOnlySpan<byte> bytes, out MapKey duplicate)
    {
        duplicate = default;
        Sort(keys, bytes);
        for (var index = 1; index < keys.Length; index++)
            if (MapKey.Same(keys[index - 1], keys[index], bytes))
            {
                duplicate = keys[index].Offset > keys[index - 1].Offset ? keys[index] : keys[index - 1];
                return false;
            }
        return true;
    }

    // Heapsort: in place, and n log n in the worst case. (A span's own sort takes no comparer that holds a span.)
    private static void Sort(Span<MapKey> keys, ReadOnlySpan<byte> bytes)
    {
        for (var root = keys.Length / 2 - 1; root >= 0; root--) SiftDown(keys, root, bytes);
        for (var last = keys.Length - 1; last > 0; last--)
        {
            (keys[0], keys[last]) = (keys[last], keys[0]);
            SiftDown(keys[..last], 0, bytes);
        }
    }

    private static void SiftDown(Span<MapKey> heap, int root, ReadOnlySpan<byte> bytes)
    {
        var moving = heap[root];
        while (root * 2 + 1 is var child && child < heap.Length)
        {
            if (child + 1 < heap.Length && MapKey.Compare(heap[child], heap[child + 1], bytes) < 0) child++;
            if (MapKey.Compare(moving, heap[child], bytes) >= 0) break;
            heap[root] = heap[child];
            root = child;
        }
        heap[root] = moving;
    }

    private bool TryGrow()
    {
        if (_count >= _max) return false;
        var larger = ArrayPool<MapKey>.Shared.Rent(Math.Min(_max, Math.Max(256, _count * 2)));
        _keys[.._count].CopyTo(larger);
        if (_rented is not null) ArrayPool<MapKey>.Shared.Return(_rented);
        _rented = larger;
        _keys = larger.AsSpan(0, Math.Min(larger.Length, _max));
        return true;
    }
}

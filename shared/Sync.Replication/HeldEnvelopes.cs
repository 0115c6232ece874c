using System.Diagnostics.CodeAnalysis;
using Sync.Contracts;

namespace Sync.Replication;

/// <summary>What a backfill holds back, by sequence. Open from the first held envelope until the last was taken:
/// meanwhile everything newer is held too, else it would overtake. Bounded: the core abandons the backfill for the
/// newest when full.</summary>
internal sealed class HeldEnvelopes(int capacity)
{
    private readonly SortedList<long, Envelope> _held = [];
    private bool _released, _abandoned;

    public bool IsOpen => _held.Count > 0;

    public int Count => _held.Count;

    /// <summary>False when it is full; a sequence that is held already stays as it is.</summary>
    public bool TryAdd(Envelope envelope)
    {
        if (_held.ContainsKey(envelope.Sequence.Value)) return true;
        _held.Add(envelope.Sequence.Value, envelope);
        return _held.Count <= capacity;
    }

    /// <summary>True when a sequence above the given one is missing below the newest held.</summary>
    public bool HasHoleBehind(Sequence sequence)
    {
        var next = sequence.Value + 1;
        foreach (var held in _held.Keys)
        {
            if (held > next) return true;
            if (held == next) next++;
        }
        return false;
    }

    /// <summary>The history has ended: give out what is held, all of it in order, or only the newest.</summary>
    public void Release(bool complete)
    {
        _released = true;
        if (complete) return;
        _abandoned = true;
        while (_held.Count > 1) _held.RemoveAt(0);
    }

    /// <summary>The next envelope whose turn it is: the one behind the applied sequence, or any once the history has
    /// ended.</summary>
    public bool TryTake(Sequence applied, [NotNullWhen(true)] out Envelope? next, out bool isAbandoned)
    {
        (next, isAbandoned) = (null, _abandoned);
        while (_held.Count > 0 && _held.GetKeyAtIndex(0) <= applied.Value) RemoveFirst(); // the history brought it
        if (_held.Count == 0 || (!_released && _held.GetKeyAtIndex(0) != applied.Value + 1)) return false;
        next = _held.GetValueAtIndex(0);
        RemoveFirst();
        return true;
    }

    public void Clear()
    {
        _held.Clear();
        (_released, _abandoned) = (false, false);
    }

    private void RemoveFirst()
    {
        _held.RemoveAt(0);
        if (_held.Count == 0) Clear();
    }
}

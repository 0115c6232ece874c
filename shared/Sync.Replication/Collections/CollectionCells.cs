using Sync.Contracts;

namespace Sync.Replication;

/// <summary>The cells that somebody asked for, and still holds: a key that nobody tracks has none. The lock is held while a
/// cell is set, so that the last value set is the newest; whoever is told by a cell must be quick.</summary>
internal sealed class CollectionCells<T>(Func<SyncedKey, T?> read)
{
    private const int SweepMin = 64;
    private readonly Lock _gate = new();
    private readonly Dictionary<SyncedKey, WeakReference<Cell<T>>> _cells = [];
    private int _sweepAt = SweepMin;
    private volatile bool _isEmpty = true;

    /// <summary>Cells that are kept, also such that nobody holds any more.</summary>
    public int Count
    {
        get { lock (_gate) return _cells.Count; }
    }

    /// <summary>The cell of a key, made when there is none.</summary>
    public ICell<T> Of(SyncedKey key)
    {
        lock (_gate)
        {
            if (_cells.TryGetValue(key, out var held) && held.TryGetTarget(out var cell)) return cell;
            if (_cells.Count >= _sweepAt) Sweep();
            _isEmpty = false;
            cell = new Cell<T>();
            _cells[key] = new WeakReference<Cell<T>>(cell);
            cell.Set(read(key));
            return cell;
        }
    }

    /// <summary>Sets the cells of changed keys to what is held now.</summary>
    public void Changed(IReadOnlyList<SyncedKey> keys)
    {
        lock (_gate)
        {
            foreach (var key in keys)
                if (_cells.TryGetValue(key, out var held) && held.TryGetTarget(out var cell)) cell.Set(read(key));
        }
    }

    /// <summary>True when no cell was ever asked for: a change need not be noted.</summary>
    public bool IsEmpty => _isEmpty;

    private void Sweep()
    {
        foreach (var (key, held) in _cells)
            if (!held.TryGetTarget(out _)) _cells.Remove(key);
        _sweepAt = Math.Max(SweepMin, _cells.Count * 2);
    }
}

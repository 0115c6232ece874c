using Sync.Contracts;

namespace Sync.Ledger;

/// <summary>A contiguous run of facts behind the confirmed position, bounded by count and bytes (one fact may exceed
/// the bytes). What does not fit is not kept: it is read from the ledger when its turn comes.</summary>
internal sealed class PublishBuffer(Position start, int factsMax, long bytesMax)
{
    private Fact[] _ring = new Fact[Math.Min(factsMax, 256)];
    private int _head;
    private int _count;
    private long _bytes;

    /// <summary>Position before the first kept fact.</summary>
    public Position Start { get; private set; } = start;

    /// <summary>Position of the last kept fact.</summary>
    public Position End => new(Start.Value + _count);

    public bool HasRoom => _count == 0 || (_count < factsMax && _bytes < bytesMax);

    public Fact this[Position position] => _ring[(_head + (int)(position.Value - Start.Value - 1)) % _ring.Length];

    /// <summary>Keeps a fact when it is the next one and there is room.</summary>
    public bool TryAppend(Fact fact)
    {
        if (fact.Position != End.Next || !HasRoom) return false;
        if (_count == _ring.Length) Grow();
        _ring[(_head + _count++) % _ring.Length] = fact;
        _bytes += fact.Value.Length;
        return true;
    }

    /// <summary>Lets go of everything up to and with a position.</summary>
    public void TrimTo(Position position)
    {
        while (_count > 0 && Start < position)
        {
            _bytes -= _ring[_head].Value.Length;
            _ring[_head] = null!;
            _head = (_head + 1) % _ring.Length;
            _count--;
            Start = Start.Next;
        }
    }

    private void Grow()
    {
        var grown = new Fact[(int)Math.Min(factsMax, _ring.Length * 2L)];
        for (var index = 0; index < _count; index++) grown[index] = _ring[(_head + index) % _ring.Length];
        _ring = grown;
        _head = 0;
    }
}

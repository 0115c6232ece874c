namespace Sync.MessagePack;

/// <summary>Keeps the values of one page in a few arrays instead of one each: a page of a snapshot has thousands that mostly live
/// and die together. A value that stays behind keeps one block alive, not the page that it came in. For one thread.</summary>
internal sealed class ValueBlocks
{
    private const int BlockBytes = 16 * 1024;
    private const int SharedBytesMax = 2 * 1024;
    private byte[] _block = [];
    private int _used;

    /// <summary>A copy of a value.</summary>
    /// <param name="value">Its bytes.</param>
    /// <param name="left">Bytes of the page that are not read yet: no block is larger.</param>
    public ReadOnlyMemory<byte> Keep(ReadOnlySpan<byte> value, int left)
    {
        if (value.Length > SharedBytesMax) return value.ToArray();
        if (value.Length > _block.Length - _used)
        {
            _block = GC.AllocateUninitializedArray<byte>(Math.Min(BlockBytes, left + value.Length));
            _used = 0;
        }
        var kept = _block.AsMemory(_used, value.Length);
        value.CopyTo(kept.Span);
        _used += value.Length;
        return kept;
    }
}

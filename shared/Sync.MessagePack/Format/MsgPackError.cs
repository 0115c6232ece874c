namespace Sync.MessagePack;

/// <summary>What is wrong with some bytes, and where. The default value means that nothing is.</summary>
/// <param name="What">For people; null = no error.</param>
/// <param name="Offset">Byte offset from the start of the span that was read.</param>
public readonly record struct MsgPackError(string? What, int Offset)
{
    /// <summary>True when there is no error.</summary>
    public bool IsNone => What is null;

    /// <inheritdoc/>
    public override string ToString() => What is null ? "no error" : $"{What} at byte {Offset}";
}

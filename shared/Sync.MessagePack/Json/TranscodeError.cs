namespace Sync.MessagePack;

/// <summary>Why a value cannot be turned from one format into the other.</summary>
public enum TranscodeFault
{
    /// <summary>Nothing is wrong.</summary>
    None,

    /// <summary>The input is not well-formed JSON or MessagePack: cut, trailing bytes, invalid UTF-8, a lone surrogate.</summary>
    Malformed,

    /// <summary>Well-formed, and not to be kept: a duplicate key, a number that fits nothing, nested too deep, too many items.</summary>
    InvalidValue,

    /// <summary>Good MessagePack that JSON has no words for: binary, extensions, NaN, infinity, keys that are no strings.</summary>
    NotJson,
}

/// <summary>An error of <see cref="JsonTranscoder"/>. The default value means that nothing is wrong.</summary>
/// <param name="Fault">What kind.</param>
/// <param name="Message">What is wrong and where, for people; null = no error.</param>
public readonly record struct TranscodeError(TranscodeFault Fault, string? Message)
{
    /// <inheritdoc/>
    public override string ToString() => Message ?? "no error";
}

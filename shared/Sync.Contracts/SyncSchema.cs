using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Sync.Contracts;

/// <summary>The parse gate and codec of one model. Implementations are immutable and safe from any thread.</summary>
/// <typeparam name="T">The model; immutable when <see cref="Share"/> is on.</typeparam>
public abstract class SyncSchema<T>
{
    /// <summary>The version that readers expect and writers write; a default value (null text) switches the schema-major gate off.</summary>
    public SchemaVersion Version { get; init; }

    /// <summary>True (default): one parsed instance is shared by all replicas that use this schema. False: each parses its own.</summary>
    public bool Share { get; init; } = true;

    /// <summary>Reads a value. Never throws for bad input.</summary>
    /// <param name="value">One MessagePack value.</param>
    public abstract ParseResult<T> Parse(ReadOnlyMemory<byte> value);

    /// <summary>Writes a value as MessagePack.</summary>
    /// <param name="value">The model.</param>
    /// <param name="destination">Receives exactly one MessagePack value.</param>
    public abstract void Write(T value, IBufferWriter<byte> destination);
}

/// <summary>Ok with a value, or an error message that says what and where.</summary>
/// <typeparam name="T">The model.</typeparam>
public readonly struct ParseResult<T>
{
    private readonly T _value;

    private ParseResult(T value, string? error)
    {
        _value = value;
        Error = error;
    }

    /// <summary>Null when the value passed.</summary>
    public string? Error { get; }

    /// <summary>True when the value passed.</summary>
    [MemberNotNullWhen(false, nameof(Error))]
    public bool IsOk => Error is null;

    /// <summary>The parsed value.</summary>
    /// <exception cref="InvalidOperationException">The value did not pass.</exception>
    public T Value => IsOk ? _value : throw new InvalidOperationException(Error);

    /// <summary>The value passed.</summary>
    public static ParseResult<T> Ok(T value) => new(value, null);

    /// <summary>The value was refused.</summary>
    /// <param name="error">What is wrong, and where.</param>
    public static ParseResult<T> Err(string error) => new(default!, error);
}

namespace Sync.HostileTests.Run;

/// <summary>How inputs of a target are built, so that damage is aimed at what they are made of.</summary>
internal enum Flavor
{
    /// <summary>MessagePack.</summary>
    Packed,

    /// <summary>Text of any kind.</summary>
    Text,
}

/// <summary>A decoder that meets untrusted bytes, with its oracle. For one thread: it may keep its last result for the
/// judgement.</summary>
internal abstract class Target
{
    /// <summary>Folder of its kept inputs, and what it is called on the command line.</summary>
    public abstract string Name { get; }

    public virtual Flavor Flavor => Flavor.Text;

    /// <summary>Its part of all inputs, in relation to the others.</summary>
    public virtual int Weight => 8;

    /// <summary>Bytes that one reading may allocate, whatever the input.</summary>
    public virtual long AllocatedBase => 16 << 10;

    /// <summary>Bytes that it may allocate for each byte of the input.</summary>
    public virtual long AllocatedPerByte => 64;

    /// <summary>Tokens that mean something to it, beside those that mean something to many.</summary>
    public virtual byte[][] Words => [];

    /// <summary>What damage starts from, beside the kept inputs.</summary>
    public abstract IEnumerable<byte[]> Seeds();

    /// <summary>The work that is measured.</summary>
    /// <returns>Null when the input was taken, else what was said of it.</returns>
    public abstract string? Read(ReadOnlySpan<byte> input);

    /// <summary>What must hold for the reading just done, beyond no exception and bounded time and memory.</summary>
    /// <param name="input">What was read.</param>
    /// <param name="error">What <see cref="Read"/> answered.</param>
    /// <exception cref="WrongAnswerException">It does not hold.</exception>
    public virtual void Judge(ReadOnlySpan<byte> input, string? error)
    {
    }

    /// <summary>True for the same texts in the same order.</summary>
    protected static bool Same(IEnumerable<string> one, IEnumerable<string> other) => one.SequenceEqual(other, StringComparer.Ordinal);

    /// <summary>Fails unless it is so.</summary>
    protected static void Hold(bool isSo, string what)
    {
        if (!isSo) throw new WrongAnswerException(what);
    }
}

/// <summary>A decoder gave a wrong answer.</summary>
internal sealed class WrongAnswerException(string what, Exception? inner = null) : Exception(what, inner);

using System.Diagnostics;
using System.Globalization;
using Shouldly;
using Xunit;

namespace Sync.Tests.MessagePack;

/// <summary>Whatever arrives, a decoder answers: an error, or something that is written and read again as the same. It neither throws
/// nor hangs nor takes memory out of proportion.</summary>
public sealed class DamagedBytesTests
{
    // An error message of a JSON reader is an exception with its stack trace; nothing else comes near this.
    private const long AllocatedBytesMax = 256 * 1024;

    private static readonly TimeSpan CaseTimeMax = TimeSpan.FromSeconds(20);

    // SYNC_MUTATIONS sets the number per codec (10,000,000 in the long run), SYNC_SEED another seed.
    private static readonly int Mutations = Setting("SYNC_MUTATIONS", 200_000);
    private static readonly int Seed = Setting("SYNC_SEED", 20_260_101);

    public static TheoryData<string> Messages => [.. Codecs.Messages];

    [Theory, MemberData(nameof(Messages))]
    public void Every_prefix_and_every_flipped_bit_is_answered(string message)
    {
        var cases = 0;
        foreach (var bytes in Corpus.Of(message))
        {
            for (var length = 0; length < bytes.Length; length++, cases++) Answer(message, bytes.AsSpan(0, length));
            for (var bit = 0; bit < bytes.Length * 8; bit++, cases++)
            {
                bytes[bit / 8] ^= (byte)(1 << bit % 8);
                Answer(message, bytes);
                bytes[bit / 8] ^= (byte)(1 << bit % 8);
            }
        }
        cases.ShouldBeGreaterThan(100);
    }

    [Theory, MemberData(nameof(Messages))]
    public void Every_prefix_of_a_message_that_passes_is_refused(string message)
    {
        if (message is "json" or "peek") return; // "12" is a prefix of "123"; a peek does not look at the end
        foreach (var bytes in Corpus.Of(message).Where(bytes => Codecs.Decode(message, bytes) is null))
            for (var length = 0; length < bytes.Length; length++)
                Codecs.Decode(message, bytes.AsSpan(0, length)).ShouldNotBeNull();
    }

    [Theory, MemberData(nameof(Messages))]
    public void Random_damage_is_answered_in_bounded_time_and_memory(string message)
    {
        var mutator = new Mutator(Corpus.Of(message), Seed);
        var taken = 0;
        for (var index = 0; index < Mutations; index++)
            if (Answer(message, mutator.Next()))
                taken++;
        // Damage that is never taken, or always, tests nothing.
        taken.ShouldBeInRange(1, Mutations - 1);
    }

    private static bool Answer(string message, ReadOnlySpan<byte> bytes)
    {
        var started = Stopwatch.GetTimestamp();
        var before = GC.GetAllocatedBytesForCurrentThread();
        string? error;
        try
        {
            error = Codecs.Decode(message, bytes);
        }
        catch (Exception thrown)
        {
            throw new InvalidOperationException($"{message}, seed {Seed}: {Convert.ToHexStringLower(bytes)}", thrown);
        }
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        if (allocated > AllocatedBytesMax || Stopwatch.GetElapsedTime(started) > CaseTimeMax)
            throw new InvalidOperationException($"{message}: {allocated} bytes for {Convert.ToHexStringLower(bytes)}");
        if (error is null && message is not ("value" or "json" or "peek")) ShouldBeStable(message, bytes);
        return error is null;
    }

    private static void ShouldBeStable(string message, ReadOnlySpan<byte> bytes)
    {
        var written = Codecs.EncodeAgain(message, bytes.ToArray());
        if (Codecs.Decode(message, written) is { } error || !Codecs.EncodeAgain(message, written).AsSpan().SequenceEqual(written))
            throw new InvalidOperationException($"{message} is not written as it was read: {Convert.ToHexStringLower(bytes)}");
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}

using Shouldly;
using Sync.HostileTests.Run;
using Sync.HostileTests.Targets;
using Xunit;

namespace Sync.HostileTests;

/// <summary>Nothing by chance: every kept input, every prefix of every vector, every flipped bit of it.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> Names => [.. AllTargets.Names];

    [Theory, MemberData(nameof(Names))]
    public void Every_vector_its_prefixes_and_its_flipped_bits_are_answered_rightly(string name)
    {
        var target = AllTargets.Named(name)();
        var probe = new Probe(target);
        var cases = 0;
        foreach (var bytes in Corpus.Of(target))
        {
            Answer(probe, bytes);
            for (var length = 0; length < bytes.Length; length++, cases++) Answer(probe, bytes.AsSpan(0, length));
            for (var bit = 0; bit < bytes.Length * 8; bit++, cases++)
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                Answer(probe, bytes);
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
        cases.ShouldBeGreaterThan(100);
    }

    /// <summary>Of messages alone: a prefix of a number or of a name is one, too.</summary>
    [Theory, MemberData(nameof(Names))]
    public void Every_prefix_of_a_message_that_is_taken_is_refused(string name)
    {
        var target = AllTargets.Named(name)();
        if (target is not (MessageTarget or ValueTarget or ToJsonTarget or JsonMessageTarget or FactPageTarget or DocumentTarget)) return;
        var taken = target.Seeds().Where(bytes => target.Read(bytes) is null).ToArray();
        taken.ShouldNotBeEmpty();
        foreach (var bytes in taken)
            for (var length = 0; length < bytes.Length; length++)
                target.Read(bytes.AsSpan(0, length)).ShouldNotBeNull($"{name}: {Convert.ToHexStringLower(bytes)} cut to {length}");
    }

    private static void Answer(Probe probe, ReadOnlySpan<byte> bytes)
    {
        try
        {
            probe.Run(bytes);
        }
        catch (WrongAnswerException wrong)
        {
            throw new WrongAnswerException($"{wrong.Message}: {Convert.ToHexStringLower(bytes)}", wrong);
        }
    }

    [Fact]
    public void Every_folder_of_kept_inputs_belongs_to_a_target()
    {
        var folders = Directory.GetDirectories(Corpus.FolderOf("")).Select(folder => Path.GetFileName(folder)!).ToArray();
        folders.ShouldNotBeEmpty();
        folders.Except(AllTargets.Names, StringComparer.Ordinal).ShouldBeEmpty();
    }
}

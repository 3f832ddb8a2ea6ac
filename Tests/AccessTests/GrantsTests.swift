import Testing

@testable import Access

@Suite struct GrantsTests {
    private let grants = Grants(publish: patterns("orders.eu.*"), subscribe: patterns("orders.**,news"))

    @Test func nothingIsAllowedAtFirst() {
        let none = Grants()
        #expect(!none.mayPublish("a"))
        #expect(!none.maySubscribe("a"))
        #expect(!none.mayList("a"))
        #expect(!none.isAdmin)
    }

    @Test func publishingAndReadingAreApart() {
        #expect(grants.mayPublish("orders.eu.created"))
        #expect(!grants.mayPublish("orders.us.created"))
        #expect(!grants.mayPublish("news"))
        #expect(grants.maySubscribe("news"))
    }

    @Test func aReadThatIsWiderThanTheGrantIsRefusedWhole() {
        #expect(grants.maySubscribe("orders.*,news"))
        #expect(!grants.maySubscribe("orders.*,news,weather"))
        #expect(!grants.maySubscribe("**"))
    }

    @Test func aTopicIsShownToWhomeverMayPublishOrReadIt() {
        #expect(grants.mayList("orders.eu.created"))
        #expect(grants.mayList("news"))
        #expect(!grants.mayList("weather"))
        #expect(Grants(publish: patterns("weather")).mayList("weather"))
    }

    @Test func whoeverLooksAfterTopicsSeesThemAndDoesNotReadThem() {
        let admin = Grants(isAdmin: true)
        #expect(admin.mayList("weather"))
        #expect(!admin.mayPublish("weather"))
        #expect(!admin.maySubscribe("weather"))
    }
}
